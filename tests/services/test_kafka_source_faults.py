"""A broker that goes away, hangs or restarts, and a worker that was frozen past its session."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from kafka.errors import KafkaConnectionError

from drakkar.contracts.source import ProducerRecord
from drakkar.errors import SourceError
from drakkar.source.kafka.consumer import GroupConsumer
from integration.servers.kafka import Kafka
from tests.services.kafka_lab import KafkaTown
from tests.services.server import Server, rows, wait_for
from tests.services.waiting import wait_until
from tests.source.contract import Heard

# A broker that is started again may take most of a minute.
pytestmark = [pytest.mark.usefixtures('apache_kafka'), pytest.mark.timeout(180)]

ROOT = Path(__file__).resolve().parents[2]


class Zombie:
    """A member in a process of its own, and what it has told."""

    def __init__(self, town: KafkaTown) -> None:
        command = [sys.executable, '-m', 'tests.services.kafka_member', town.brokers, town.topic]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        self.told: list[dict[str, Any]] = []
        self._reader = gevent.spawn(self._read)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.told.append(json.loads(line))

    def all(self, what: str) -> list[dict[str, Any]]:
        return [event for event in self.told if event['what'] == what]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()


@pytest.fixture
def zombie(town: KafkaTown) -> Iterator[Zombie]:
    zombie = Zombie(town)
    yield zombie
    zombie.close()


def test_a_worker_frozen_past_its_session_commits_nothing_when_it_wakes(
    town: KafkaTown, zombie: Zombie
) -> None:
    town.append(b'0')
    wait_until(lambda: zombie.all('read'), 20)
    wait_until(lambda: town.committed() == 1)
    os.kill(zombie.process.pid, signal.SIGSTOP)
    heir = town.member()
    wait_until(lambda: len(heir.owned) == 4, 20)
    for number in range(1, 6):
        town.append(b'%d' % number)
    wait_until(lambda: len(heir.messages) == 5)
    heir.source.commit(heir.read())
    woken_at = time.time()
    os.kill(zombie.process.pid, signal.SIGCONT)
    wait_until(lambda: zombie.all('lost') or zombie.all('refused'))
    # What it had in mind was an older offset: it would have taken the heir's back.
    assert town.committed() == 6
    assert not [event for event in zombie.all('read') if event['offset'] > 0]
    noticed = min(event['at'] for event in zombie.all('lost') + zombie.all('refused'))
    assert noticed - woken_at < 5
    wait_until(lambda: len(zombie.all('assigned')) > 1, 20)  # and it is a good member again
    assert town.committed() == 6


def test_a_killed_worker_is_followed_after_its_session(town: KafkaTown, zombie: Zombie) -> None:
    town.append(b'0')
    wait_until(lambda: zombie.all('read'), 20)
    wait_until(lambda: town.committed() == 1)
    zombie.process.kill()
    killed_at = time.monotonic()
    heir = town.member()
    wait_until(lambda: len(heir.owned) == 4, 20)
    assert time.monotonic() - killed_at < 15  # the session and a join, not a rebalance's timeout
    town.append(b'1')
    wait_until(lambda: heir.values() == [b'1'])


def test_a_frozen_broker_costs_no_processor_time(town: KafkaTown, apache_kafka: Kafka) -> None:
    """kafka-python would look for fetches again and again while a heartbeat has no answer."""
    member = town.member(session_timeout_ms=30_000, heartbeat_interval_ms=1000)
    wait_until(lambda: len(member.owned) == 4)
    consumer = member.source._live()
    beat = consumer._coordinator.heartbeat
    apache_kafka.pause()
    wait_until(lambda: beat.last_send > beat.last_receive and beat.should_heartbeat())
    looks = []
    look = consumer._fetcher.fetch_records
    consumer._fetcher.fetch_records = lambda *args, **options: (
        looks.append(time.monotonic()) or look(*args, **options)
    )
    wait_until(lambda: looks and time.monotonic() - looks[0] > 1)
    consumer._fetcher.fetch_records = look
    assert len(looks) < 400  # without a least wait some 4000
    apache_kafka.resume()
    town.append(b'after')
    wait_until(lambda: member.values() == [b'after'])


SESSION_MS = 2000


@pytest.mark.parametrize('fault', ['kill', 'pause'])
def test_an_outage_longer_than_the_session_is_told_and_survived(
    town: KafkaTown, apache_kafka: Kafka, fault: str
) -> None:
    member = town.member(session_timeout_ms=SESSION_MS, request_timeout_ms=1500)
    wait_until(lambda: len(member.owned) == 4)
    town.append(b'before')
    wait_until(lambda: member.messages)
    member.source.commit(member.read())
    getattr(apache_kafka, fault)()
    away_since = time.monotonic()
    wait_until(lambda: member.errors, 20)
    assert isinstance(member.errors[0], SourceError)
    assert 'no broker that coordinates the consumer group' in str(member.errors[0])
    with pytest.raises(SourceError):
        member.source.commit(member.read())
    wait_until(lambda: time.monotonic() > away_since + SESSION_MS / 1000)
    apache_kafka.heal()
    apache_kafka.wait_ready()
    back_at = time.monotonic()
    wait_until(lambda: appended(town, b'after'), 20)
    wait_until(lambda: b'after' in member.values(), 20)
    assert time.monotonic() - back_at < 15
    wait_until(lambda: committed(member), 10)


def appended(town: KafkaTown, value: bytes) -> bool:
    try:
        town.producer.append_many([ProducerRecord(value, partition=0)])
    except SourceError:
        return False
    return True


def committed(member: Any) -> bool:
    try:
        member.source.commit(member.read())
    except SourceError:
        return False
    return True


def test_after_a_pause_there_are_messages_without_asking_the_broker(
    town: KafkaTown, apache_kafka: Kafka
) -> None:
    member = town.member()
    wait_until(lambda: len(member.owned) == 4)
    member.source.pause()
    values = [b'%d' % number for number in range(10)]
    for value in values:
        town.append(value)
    # Not until its high watermark is known: that is asked for, too.
    wait_until(lambda: member.source._ahead._records == len(values))
    apache_kafka.pause()
    try:
        assert member.messages == []
        member.source.resume()
        wait_until(lambda: member.values() == values, 5)
    finally:
        apache_kafka.heal()


def test_a_quick_restart_of_the_broker_is_no_news(town: KafkaTown, apache_kafka: Kafka) -> None:
    member = town.member(session_timeout_ms=90_000)
    wait_until(lambda: len(member.owned) == 4)
    apache_kafka.restart()
    wait_until(lambda: appended(town, b'x'), 20)
    wait_until(lambda: b'x' in member.values(), 20)
    assert not member.when('lost')
    assert not member.when('revoked')


HANDLER = """\
import drakkar.api as dk
from drakkar_sink_filesystem import FilePayload


class Writer(dk.Handler):
    def arrange(self, messages, pending):
        return [dk.ExecutorTask(args=[str(m.payload)], source_offsets=[m.offset]) for m in messages]

    def on_task_complete(self, result):
        return [FilePayload('done.jsonl', int(result.stdout))]
"""
# Number 0 is in work until the file `go` is there.
PROGRAM = """\
#!/bin/sh
if [ "$1" = 0 ]; then touch begun; while [ ! -e go ]; do sleep 0.05; done; fi
echo "$1"
"""
CONFIG = """\
[drakkar]
handler = handlers:Writer
source = kafka

[kafka]
brokers = {brokers}
source_topic = {topic}
consumer_group = {topic}
session_timeout_ms = 2500
heartbeat_interval_ms = 300
request_timeout_ms = 1500

[executor]
binary_path = ./program

[sinks.filesystem.out]
base_path = results

[metrics]
host = 127.0.0.1
port = 0

[debug]
port = 0
"""
OUTAGE_SECONDS = 5  # longer than session and request timeouts together


@pytest.fixture
def worker_folder(town: KafkaTown, tmp_path: Path) -> Iterator[Path]:
    config = CONFIG.format(brokers=town.brokers, topic=town.topic)
    (tmp_path / 'drakkar.ini').write_text(config)
    (tmp_path / 'handlers.py').write_text(HANDLER)
    (tmp_path / 'program').write_text(PROGRAM)
    (tmp_path / 'program').chmod(0o755)
    yield tmp_path
    (tmp_path / 'go').touch()  # for the program that a failed test has left behind


def test_a_refused_connection_is_told_as_what_it_is(
    town: KafkaTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kafka-python raises it only when a look for the coordinator meets one for metadata."""
    source = town.source()
    source.start(Heard().events)
    wait_until(lambda: source.poll(1, 0.1) == [] and len(source.positions()) == 4)
    polls = []

    def refused(*_: Any) -> None:
        polls.append(time.monotonic())
        raise KafkaConnectionError('111 ECONNREFUSED')

    with monkeypatch.context() as patch:
        patch.setattr(source._live(), 'poll', refused)
        with pytest.raises(SourceError, match='111 ECONNREFUSED'):
            source.poll(1, 0.1)
        patch.setattr(GroupConsumer, 'coordinator_known', False)
        with pytest.raises(SourceError, match=r'no broker that coordinates .* for \d+ s'):
            wait_until(lambda: source.poll(1, 0.1))
        assert source.problem().startswith('no broker that coordinates')
        assert len(polls) < 30  # it is no reason to ask again and again
    town.append(b'x')
    wait_until(lambda: source.poll(1, 0.1))
    assert source.problem() == ''


def test_a_worker_outlives_a_long_outage_says_so_and_goes_on(
    town: KafkaTown, apache_kafka: Kafka, worker_folder: Path
) -> None:
    done = worker_folder / 'results' / 'done.jsonl'
    with Server(worker_folder) as worker:
        worker.wait_for_line('running')
        for number in range(8):
            town.append(b'%d' % number, number % 4)
        wait_for(lambda: set(rows(done)) == set(range(1, 8)), 'all but the slow one are done')
        wait_for(lambda: (worker_folder / 'begun').exists(), 'the slow one is in work')
        wait_until(lambda: [town.committed(p) for p in range(4)] == [0, 2, 2, 2])
        assert worker.get('/readyz')[0] == 200

        killed_at = time.monotonic()
        apache_kafka.kill()
        reason = 'no broker that coordinates the consumer group could be reached'
        wait_for(lambda: [e for e in worker.lines('poll_failed') if reason in e['error']], reason)
        status, body = worker.get('/readyz')
        assert (status, json.loads(body)['reasons']) == (503, [reason])
        assert worker.get('/healthz')[0] == 200
        (worker_folder / 'go').touch()
        wait_for(lambda: 0 in rows(done), 'what was in work is finished')
        worker.wait_for_line('commit_failed')
        assert worker.metric('drakkar_consumer_errors_total') >= 2
        wait_until(lambda: time.monotonic() > killed_at + OUTAGE_SECONDS)

        apache_kafka.start()
        wait_until(lambda: appended(town, b'100'), 20)
        wait_for(lambda: 100 in rows(done), 'what came after is read')
        ends = [3, 2, 2, 2]
        wait_until(lambda: [town.committed(p) for p in range(4)] >= ends, 20)
        worker.wait_for_line('kafka_is_back')
        wait_for(lambda: worker.get('/readyz')[0] == 200, 'it is ready again')
        assert worker.stop() == 0
    assert set(rows(done)) == {*range(8), 100}
