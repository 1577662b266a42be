"""`drakkar dlq` on Kafka: what was a dead letter comes back whole, once, whatever happens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from click.testing import CliRunner, Result
from kafka import KafkaConsumer, TopicPartition

from drakkar.cli.main import cli
from drakkar.contracts.source import ProducerRecord
from drakkar.models.delivery import DeadLetter
from drakkar.models.message import SourceMessage
from drakkar.source.kafka.dead_letter_reader import KafkaDeadLetterReader
from drakkar.source.kafka.dead_letters import KafkaDeadLetters
from drakkar.source.kafka.topics import Topics
from tests.cli.dlq_world import HANDLER
from tests.services.kafka_lab import KafkaTown

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def folder(town: KafkaTown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv('DK_CONFIG', raising=False)
    (tmp_path / 'idle_of_dlq_test.py').write_text(HANDLER)
    (tmp_path / 'd.ini').write_text(
        '[drakkar]\nsource = kafka\nhandler = idle_of_dlq_test:Idle\n'
        f'[kafka]\nbrokers = {town.brokers}\nsource_topic = {town.topic}\n'
        f'consumer_group = {town.topic}\n'
    )
    return tmp_path


def letter(source: SourceMessage, error: str = 'boom') -> DeadLetter:
    return DeadLetter(source, 'deliver', error, worker='w', time=time.time())


def store(town: KafkaTown, letters: list[DeadLetter], topic: str = '') -> None:
    queue = KafkaDeadLetters(town.client, Topics([town.topic], dead_letters=topic))
    queue.connect()
    try:
        queue.send(letters)
    finally:
        queue.close()


@pytest.fixture
def consumer(town: KafkaTown) -> Iterator[KafkaConsumer]:
    consumer = town.client.consumer(
        KafkaConsumer, group_id=None, auto_offset_reset='earliest', enable_auto_commit=False
    )
    yield consumer
    consumer.close()


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


def dlq(command: str, *args: str) -> Result:
    return CliRunner().invoke(cli, ['dlq', command, '-c', 'd.ini', *args])


def replay(*args: str, code: int = 0) -> dict[str, Any]:
    result = dlq('replay', '--json', *args)
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


CONTENTS: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]] = [
    (b'plain', b'key', []),
    (None, b'deleted', [('a', b'\xff')]),
    (None, None, []),
    (b'', b'', [('same', b'1'), ('same', b''), ('other', b'2')]),
    (b'\xff\x00', b'\xfe', []),
    (b'{"a": "\xc3\xa4"}', None, [(f'h{n}', b'%d' % n) for n in range(100)]),
    (b'm' * 1_000_000, b'large', []),
]


def test_a_message_comes_back_equal(town, consumer):
    sources = [
        SourceMessage(town.topic, n % 4, n, value, key, 1_700_000_000.5, headers)
        for n, (value, key, headers) in enumerate(CONTENTS)
    ]
    store(town, [letter(source) for source in sources])
    assert replay('--keep-timestamps')['replayed'] == len(sources)
    back = {(m.partition, m.value, m.key): m for m in read(consumer, town.topic)}
    assert len(back) == len(sources)
    for source in sources:
        found = back[source.partition, source.value, source.key]
        assert list(found.headers) == [*source.headers, ('drakkar-replays', b'1')]
        assert found.timestamp == 1_700_000_000_500


def test_list_and_show_know_a_letter_by_its_place(town):
    store(town, [letter(SourceMessage(town.topic, 1, 7, b'{"a": 1}', b'k'), 'no table')])
    letter_id, _, place, *_ = dlq('list').stdout.split('\t')
    topic, _, offset = letter_id.split(':')
    assert (topic, offset, place) == (f'{town.topic}_dlq', '0', f'{town.topic}:1:7')
    shown = dlq('show', letter_id)
    assert 'error     no table' in shown.stdout
    assert dlq('show', letter_id, '--value-only').stdout == '{"a": 1}'
    for missing in (f'{town.topic}_dlq:0:99', f'{town.topic}_dlq:999:0', f'{town.topic}_no:0:0'):
        assert dlq('show', missing).exit_code == 1


def test_each_message_once_and_only_new_failures_again(town, consumer):
    sources = [SourceMessage(town.topic, n % 4, n, b'%d' % n, b'k%d' % n) for n in range(20)]
    store(town, [letter(source) for source in sources] + [letter(sources[0], 'again')])
    first = replay()
    assert (first['replayed'], first['same_message']) == (20, 1)
    assert replay()['replayed_before'] == 21
    store(town, [letter(sources[3], 'later')])
    assert replay()['replayed'] == 1
    assert len(read(consumer, town.topic)) == 21


def test_a_partition_that_the_topic_lacks_is_told(town, consumer):
    store(town, [letter(SourceMessage(town.topic, p, 1, b'x', b'k')) for p in (0, 99)])
    result = dlq('replay')
    assert result.exit_code == 1
    assert 'has no partition 99' in result.stderr
    assert replay('--repartition')['replayed'] == 1
    assert len(read(consumer, town.topic)) == 2


def test_foreign_records_are_skipped(town):
    store(town, [letter(SourceMessage(town.topic, 0, 1, b'x'))])
    producer = town.make_producer(f'{town.topic}_dlq')
    producer.append_many([ProducerRecord(b'torn {'), ProducerRecord(None, b'tombstone')])
    result = replay()
    assert (result['replayed'], result['foreign']) == (1, 1)


def test_a_dead_letter_topic_of_its_own_name(town):
    name = f'{town.topic}_letters'
    store(town, [letter(SourceMessage(town.topic, 0, 1, b'x'))], name)
    assert '0 dead letters' in dlq('list').stdout
    assert f'{name}:' in dlq('list', '--set', f'dlq.topic={name}').stdout


def test_a_pattern_finds_the_dead_letters_of_its_topics_alone(town):
    store(town, [letter(SourceMessage(town.topic, 0, 1, b'x'))])
    for pattern, count in ((f'{town.topic}.*', 1), (f'{town.topic}_no.*', 0)):
        reader = KafkaDeadLetterReader(town.client, Topics((), pattern))
        with reader:
            assert len(list(reader.read(reader.ends()))) == count


def test_a_topic_that_was_made_anew_is_not_taken_for_the_old_one(town):
    source = SourceMessage(town.topic, 0, 1, b'x', b'k')
    store(town, [letter(source)])
    assert replay()['replayed'] == 1
    with town.admin() as admin:
        admin.delete_topics([f'{town.topic}_dlq'])
        with gevent.Timeout(15, AssertionError('the topic is still there')):
            while f'{town.topic}_dlq' in admin.list_topics():
                gevent.sleep(0.1)
    store(town, [letter(source, 'after all')])
    assert replay()['replayed'] == 1


def test_killed_it_repeats_at_most_a_batch_and_loses_nothing(town, consumer):
    count, batch = 1000, 50
    sources = [SourceMessage(town.topic, n % 4, n, b'%d' % n, b'k') for n in range(count)]
    store(town, [letter(source) for source in sources])
    environment = {**os.environ, 'PYTHONPATH': f'{Path.cwd()}:{ROOT}'}
    with subprocess.Popen(
        [sys.executable, '-m', 'drakkar', 'dlq', 'replay', '-c', 'd.ini', '--rate', '500'],
        env=environment,
        stdout=subprocess.DEVNULL,
    ) as process:
        tps = [TopicPartition(town.topic, p) for p in range(4)]
        with gevent.Timeout(20, AssertionError('nothing was replayed')):
            while sum(consumer.end_offsets(tps).values()) < 300:
                gevent.sleep(0.02)
        process.kill()
    assert sum(consumer.end_offsets(tps).values()) < count
    replay()
    found = Counter(int(record.value) for record in read(consumer, town.topic))
    assert sorted(found) == list(range(count))
    assert found.total() - count <= batch
