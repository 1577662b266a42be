"""What the producer sends, and when."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import KafkaAdminClient
from kafka.future import Future
from rich.progress import Progress

from drakkar_handler_ripgrep import SearchRequest
from integration.infra import brokers, producer, topics
from integration.infra.phases import PHASES, TOTAL, Phase, plan
from integration.infra.requests import request_id, search_requests
from integration.servers.kafka import Kafka
from integration.servers.ports import pick
from integration.stack.program import ROOT

Stored = Callable[[int], tuple[list[Any], subprocess.CompletedProcess[str]]]
"""Returns the records that a topic has of a run of the producer, and that run."""


def requests(count: int, slow_percent: float = 3, seed: int = 1) -> list[dict[str, object]]:
    made = search_requests(seed, slow_percent, range(150, 251), range(1, 9))
    return list(itertools.islice(made, count))


def test_the_phases_are_those_of_the_page() -> None:
    assert [phase.name for phase in plan(5)] == [phase.name for phase in PHASES]
    phases = [(p.messages, p.rate, p.pause) for p in plan(TOTAL)]
    assert phases == [
        (10, 0.2, 0),
        (500, 15, 0),
        (0, 0, 15),
        (200, 0, 0),
        (2000, 20, 0),
        (0, 0, 10),
        (300, 0, 0),
        (1990, 10, 0),
        (5000, 0, 0),
    ]


@given(st.integers(0, 100_000))
def test_any_total_is_sent_whole(total: int) -> None:
    counts = [phase.messages or 0 for phase in plan(total)]
    assert sum(counts) == total
    assert min(counts) >= 0
    fixed = [p.messages for p in PHASES if p.messages is not None]
    if total >= TOTAL:
        assert [
            count for p, count in zip(PHASES, counts, strict=True) if p.messages is not None
        ] == fixed


def test_speed_divides_all_times() -> None:
    for usual, fast in zip(plan(TOTAL), plan(TOTAL, 10), strict=True):
        assert (fast.rate, fast.pause) == (usual.rate * 10, usual.pause / 10)


def test_messages_are_sent_at_the_rate_of_their_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    now, sent = [100.0], []

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return now[0]

        @staticmethod
        def sleep(seconds: float) -> None:
            now[0] += seconds

    class Broker:
        """Takes each message in 0.1 s."""

        def send(self, *_: Any, **__: Any) -> Any:
            sent.append(round(now[0] - 100, 3))
            now[0] += 0.1
            return Future()

        def flush(self, timeout: float) -> None:
            """All is sent."""

    monkeypatch.setattr(producer, 'time', Clock)
    wanted = producer.Settings('', 5, 1, 0, range(1, 2), range(1, 2), 1)
    with Progress(disable=True) as progress:
        sender = producer.Sender(wanted, Broker(), progress)
        sender.phase(Phase('paced', 3, rate=2))
        sender.phase(Phase('pause', pause=15))
        sender.phase(Phase('burst', 2))
    assert sent == [0, 0.5, 1, 16.1, 16.2]
    assert sender.sent == 5


def test_requests_are_those_of_the_seed_and_valid() -> None:
    assert requests(50) == requests(50)
    assert requests(50) != requests(50, seed=2)
    assert [r['request_id'] for r in requests(3)] == [request_id(n) for n in (1, 2, 3)]
    for request in requests(200):
        SearchRequest().load(request)
        assert Path(str(request['file_path'])).exists()


def test_the_share_of_slow_outliers() -> None:
    slow = [r for r in requests(TOTAL) if int(str(r['repeat'])) >= 150]
    assert 250 <= len(slow) <= 350
    assert all(int(str(r['repeat'])) <= 8 for r in requests(500, slow_percent=0))
    assert all(150 <= int(str(r['repeat'])) <= 250 for r in requests(500, slow_percent=100))


def test_an_empty_variable_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in producer.VARIABLES:
        monkeypatch.setenv(name, '')
    read = producer.Settings.read()
    assert (read.total, read.speed, read.slow_percent) == (TOTAL, 1, 3)
    assert (read.slow, read.usual) == (range(150, 251), range(1, 9))
    assert (read.brokers, read.seed) == ('localhost:9092', 1)


def test_each_variable_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ('host:1', '7', '2.5', '40', '20-30', '5', '11')
    for name, text in zip(producer.VARIABLES, texts, strict=True):
        monkeypatch.setenv(name, text)
    found = producer.Settings('host:1', 7, 2.5, 40, range(20, 31), range(5, 6), 11)
    assert producer.Settings.read() == found


def run(module: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return execute('-m', f'integration.infra.{module}', *words, **variables)


def execute(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ('name', 'text'),
    [
        ('TOTAL_MESSAGES', 'many'),
        ('TOTAL_MESSAGES', '1.5'),
        ('SPEED', '0'),
        ('SPEED', 'inf'),
        ('SLOW_PERCENT', '-1'),
        ('SLOW_PERCENT', '101'),
        ('SLOW_REPEAT', '250-150'),
        ('USUAL_REPEAT', '0-3'),
    ],
)
def test_a_wrong_variable_is_named(name: str, text: str) -> None:
    done = run('producer', **{name: text})
    assert (done.returncode, done.stdout) == (2, '')
    assert done.stderr.startswith(f'producer: {name}={text}: ')
    assert done.stderr.count('\n') == 1


def test_a_wrong_variable_of_the_load_generator_is_named() -> None:
    done = run('load_generator', INTERVAL_SECONDS='often')
    assert (done.returncode, done.stdout) == (2, '')
    assert done.stderr == 'load_generator: INTERVAL_SECONDS=often: not a number\n'


@pytest.mark.parametrize('module', ['producer', 'load_generator', 'topics'])
def test_a_program_that_is_asked_for_help_does_nothing_else(module: str) -> None:
    helped = run(module, '--help')
    assert (helped.returncode, helped.stderr) == (0, '')
    assert 'usage: ' in helped.stdout
    wrong = run(module, '--fast', 'x')
    assert (wrong.returncode, wrong.stdout) == (2, '')


def test_a_broker_that_does_not_answer_is_told() -> None:
    (unused_port,) = pick()
    impatient = 'from integration.infra import producer as p; p.BOOTSTRAP_MS = 500; exit(p.main())'
    done = execute('-c', impatient, BROKERS=f'127.0.0.1:{unused_port}')
    assert (done.returncode, done.stdout) == (1, '')
    assert done.stderr.startswith(f'producer: BROKERS=127.0.0.1:{unused_port}: ')
    assert done.stderr.count('\n') == 1


@pytest.fixture
def stored(apache_kafka: Kafka) -> Iterator[Stored]:
    """Sends five messages to a topic that takes batches of so many bytes."""

    def sent(most_bytes: int) -> tuple[list[Any], subprocess.CompletedProcess[str]]:
        limit = {'max.message.bytes': str(most_bytes)}
        apache_kafka.create_topic(topics.REQUESTS, partitions=50, configs=limit)
        done = run(
            'producer', BROKERS=apache_kafka.address, TOTAL_MESSAGES='5', SPEED='1000', SEED='7'
        )
        return list(brokers.records(apache_kafka.address, topics.REQUESTS)), done

    yield sent
    with closing(KafkaAdminClient(bootstrap_servers=apache_kafka.address)) as admin:
        admin.delete_topics([topics.REQUESTS])


def test_all_is_stored(stored: Stored) -> None:
    records, done = stored(10_000)
    assert (done.returncode, done.stderr) == (0, '')
    found = {record.key.decode(): json.loads(record.value) for record in records}
    assert found == {str(request['request_id']): request for request in requests(5, seed=7)}
    assert len(records) == 5
    assert '2 pause: 0.015 s silence' in done.stdout
    assert done.stdout.endswith('all 5 messages sent\n')


# Each is alone in the batch of its partition, with so many bytes around it.
_AROUND = 70
_SIZES = sorted(len(json.dumps(request)) + len('r-00001') for request in requests(5, seed=7))


@pytest.mark.parametrize('most_bytes', [10, _SIZES[-2] + _AROUND])
def test_messages_that_are_not_stored_are_told(stored: Stored, most_bytes: int) -> None:
    """Here those that are too large for the topic: all, or one, and what was sent with it."""
    records, done = stored(most_bytes)
    assert bool(records) == (most_bytes > 10)
    assert len(records) < 5
    assert done.returncode == 1
    assert 'messages sent' not in done.stdout
    assert f'producer: {5 - len(records)} messages were not stored: ' in done.stderr
    assert 'MessageSizeTooLarge' in done.stderr
