"""`drakkar dlq replay` on Kafka, killed, interrupted, or left alone by the brokers."""

from __future__ import annotations

import json
import random
import re
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import gevent
import pytest
from kafka import KafkaConsumer

from drakkar.source.kafka import producer as module
from integration.servers.kafka import Kafka
from tests.services.dlq_town import (
    dlq,
    make_folder,
    read,
    replay,
    start_replay,
    store_numbers,
    written,
)
from tests.services.kafka_lab import KafkaTown
from tests.services.server import wait_for
from tests.terminal import run_on_terminal

# A broker that is started again may take most of a minute.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

BATCH = 50  # at 500 a second


@pytest.fixture(autouse=True)
def folder(town: KafkaTown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_folder(town, tmp_path, monkeypatch)
    return tmp_path


def numbers(consumer: KafkaConsumer, town: KafkaTown) -> Counter[int]:
    return Counter(int(record.value) for record in read(consumer, town.topic))


def remembered() -> set[int]:
    """Return what the bookmark holds, whatever its process had no time for."""
    with closing(sqlite3.connect('dlq/replayed-kafka.db')) as connection:
        assert connection.execute('PRAGMA integrity_check').fetchone() == ('ok',)
        return {offset for (offset,) in connection.execute('SELECT offset FROM replayed')}


def test_killed_at_random_moments_it_repeats_at_most_a_batch_and_loses_nothing(
    town: KafkaTown, consumer: KafkaConsumer
) -> None:
    # With all three it is at work for one second in four: it does not get to the end.
    count, kills, chance = 2000, 3, random.Random(11)
    store_numbers(town, count)
    for _ in range(kills):
        before = written(consumer, town)
        with start_replay('--rate', '500', stdout=subprocess.DEVNULL) as process:
            wait_for(lambda before=before: written(consumer, town) > before, 'some are replayed')  # type: ignore[misc]
            moment = time.monotonic() + chance.uniform(0, 0.3)
            wait_for(lambda moment=moment: time.monotonic() > moment, 'the moment')  # type: ignore[misc]
            process.kill()
        found = numbers(consumer, town)
        # What is remembered is there; what is there and not remembered is one batch.
        assert remembered() <= set(found)
        assert len(set(found) - remembered()) <= BATCH
    left = count - len(remembered())
    assert replay()['replayed'] == left > 0
    found = numbers(consumer, town)
    assert sorted(found) == list(range(count)) == sorted(remembered())
    assert found.total() - count <= kills * BATCH
    assert max(found.values()) <= 1 + kills
    assert replay()['replayed'] == 0


def test_ctrl_c_says_what_is_done_and_the_next_goes_on(
    town: KafkaTown, consumer: KafkaConsumer
) -> None:
    store_numbers(town, 1000)
    streams = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE}
    with start_replay('--rate', '100', '--json', **streams) as process:
        wait_for(lambda: written(consumer, town) >= 20, 'some are replayed')
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, b'')
    told = json.loads(out)
    assert told['error'] == 'interrupted'
    assert told['replayed'] == len(remembered()) < 1000
    assert replay()['replayed'] == 1000 - told['replayed']
    found = numbers(consumer, town)
    assert sorted(found) == list(range(1000))
    assert found.total() - 1000 <= 10  # the batch in which it was


def test_a_bar_shows_on_a_terminal_how_far_it_is(town: KafkaTown, consumer: KafkaConsumer) -> None:
    store_numbers(town, 60)
    code, shown = run_on_terminal(partial(start_replay, '--rate', '40'))
    assert code == 0
    bars = {int(done) for done in re.findall(r'(\d+)/60\b', shown)}
    assert len(bars) > 3, shown
    assert '60 messages replayed' in shown.splitlines()[-1]


@pytest.mark.parametrize('how', ['killed', 'frozen'])
def test_a_broker_that_goes_away_ends_it_and_the_next_goes_on(
    town: KafkaTown,
    consumer: KafkaConsumer,
    apache_kafka: Kafka,
    how: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store_numbers(town, 1000)
    with monkeypatch.context() as patch:
        patch.setattr(module, '_SECONDS', 2.0)  # requests have half of it
        asking: Any = gevent.spawn(dlq, 'replay', '--rate', '200')
        wait_for(lambda: written(consumer, town) >= 50, 'some are replayed')
        if how == 'killed':
            apache_kafka.kill()
        else:
            apache_kafka.pause()
        result = asking.get(timeout=20)
    assert result.exit_code == 1
    stopped, error = result.stderr.splitlines()
    assert re.fullmatch(r'stopped: \d+ messages replayed to .*; the same command goes .*', stopped)
    assert error.startswith(f'error: topic {town.topic}: the brokers did not answer in time: ')
    if how == 'killed':
        apache_kafka.start()
    else:
        apache_kafka.resume()
    done = int(stopped.split()[1])
    assert len(remembered()) == done
    assert replay()['replayed'] == 1000 - done
    found = numbers(consumer, town)
    assert sorted(found) == list(range(1000))
    assert found.total() - 1000 <= 20


@pytest.mark.parametrize('name', ['misspelled', 'no name!'])
def test_a_topic_that_does_not_exist_is_told_and_not_made(
    town: KafkaTown, consumer: KafkaConsumer, name: str
) -> None:
    store_numbers(town, 10)
    result = dlq('replay', '--to', name)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f'stopped: 0 messages replayed in {result.stderr.split()[5]} s; '
        'the same command goes on from here',
        f'error: topic {name} does not exist',
    ]
    with town.admin() as admin:
        assert name not in admin.list_topics()
    assert remembered() == set()
    assert replay()['replayed'] == 10
