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

from drakkar.contracts.source import ProducerRecord
from drakkar.errors import SourceError
from integration.servers.kafka import Kafka
from tests.services.kafka_lab import KafkaTown
from tests.services.waiting import wait_until

pytestmark = [pytest.mark.usefixtures('apache_kafka'), pytest.mark.timeout(90)]

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
    assert noticed - woken_at < 2
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
    assert time.monotonic() - killed_at < 6
    town.append(b'1')
    wait_until(lambda: heir.values() == [b'1'])


@pytest.mark.parametrize('fault', ['kill', 'pause'])
def test_an_outage_longer_than_the_session_is_told_and_survived(
    town: KafkaTown, apache_kafka: Kafka, fault: str
) -> None:
    member = town.member(session_timeout_ms=3000, request_timeout_ms=3000)
    wait_until(lambda: len(member.owned) == 4)
    town.append(b'before')
    wait_until(lambda: member.messages)
    member.source.commit(member.read())
    getattr(apache_kafka, fault)()
    wait_until(lambda: member.errors, 20)
    assert isinstance(member.errors[0], SourceError)
    assert 'no broker that coordinates the consumer group' in str(member.errors[0])
    with pytest.raises(SourceError):
        member.source.commit(member.read())
    gevent.sleep(3)  # longer than the session in all: that is what is tested
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


def test_a_quick_restart_of_the_broker_is_no_news(town: KafkaTown, apache_kafka: Kafka) -> None:
    member = town.member(session_timeout_ms=30000)
    wait_until(lambda: len(member.owned) == 4)
    apache_kafka.restart()
    wait_until(lambda: appended(town, b'x'), 20)
    wait_until(lambda: b'x' in member.values(), 20)
    assert not member.when('lost')
    assert not member.when('revoked')
