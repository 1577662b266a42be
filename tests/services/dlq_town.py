"""Dead letters in a topic, and `drakkar dlq` run on them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import gevent
import pytest
from click.testing import CliRunner, Result
from kafka import KafkaConsumer, TopicPartition

from drakkar.cli.main import cli
from drakkar.models.delivery import DeadLetter
from drakkar.models.message import SourceMessage
from drakkar.source.kafka.dead_letters import KafkaDeadLetters
from drakkar.source.kafka.topics import Topics
from tests.cli.dlq_world import HANDLER
from tests.services.kafka_lab import KafkaTown

ROOT = Path(__file__).parents[2]


def make_folder(town: KafkaTown, folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Make `folder` the current one, with the configuration of a worker that reads the town."""
    patch.chdir(folder)
    patch.syspath_prepend(str(folder))
    patch.delenv('DK_CONFIG', raising=False)
    (folder / 'idle_of_dlq_test.py').write_text(HANDLER)
    (folder / 'd.ini').write_text(
        '[drakkar]\nsource = kafka\nhandler = idle_of_dlq_test:Idle\n'
        f'[kafka]\nbrokers = {town.brokers}\nsource_topic = {town.topic}\n'
        f'consumer_group = {town.topic}\n'
    )


def letter(source: SourceMessage, error: str = 'boom') -> DeadLetter:
    return DeadLetter(source, 'deliver', error, worker='w', time=time.time())


def store(town: KafkaTown, letters: list[DeadLetter], topic: str = '') -> None:
    queue = KafkaDeadLetters(town.client, Topics([town.topic], dead_letters=topic))
    queue.connect()
    try:
        queue.send(letters)
    finally:
        queue.close()


def store_numbers(town: KafkaTown, count: int) -> None:
    """Store letters of messages that were numbers, spread over the partitions."""
    sources = [SourceMessage(town.topic, n % 4, n, b'%d' % n, b'k') for n in range(count)]
    store(town, [letter(source) for source in sources])


def read(consumer: KafkaConsumer, topic: str) -> list[Any]:
    """Return all that a topic holds now."""
    tps = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic))]
    consumer.assign(tps)
    consumer.seek_to_beginning(*tps)
    ends = consumer.end_offsets(tps)
    found: list[Any] = []
    with gevent.Timeout(20, AssertionError(f'{topic} could not be read')):
        while any(consumer.position(tp) < ends[tp] for tp in tps):
            for records in consumer.poll(200).values():
                found += records
    return found


def written(consumer: KafkaConsumer, town: KafkaTown) -> int:
    """Return how many messages the town's topic has."""
    tps = [TopicPartition(town.topic, p) for p in range(town.partitions)]
    return int(sum(consumer.end_offsets(tps).values()))


def dlq(command: str, *args: str) -> Result:
    return CliRunner().invoke(cli, ['dlq', command, '-c', 'd.ini', *args])


def replay(*args: str, code: int = 0) -> dict[str, Any]:
    result = dlq('replay', '--json', *args)
    assert result.exit_code == code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def start_replay(*args: str, **streams: Any) -> subprocess.Popen[bytes]:
    """Run `drakkar dlq replay` as a process of its own."""
    return subprocess.Popen(
        [sys.executable, '-m', 'drakkar', 'dlq', 'replay', '-c', 'd.ini', *args],
        env={**os.environ, 'PYTHONPATH': f'{Path.cwd()}:{ROOT}', 'TERM': 'xterm'},
        **streams,
    )
