"""`drakkar dlq` on Kafka: what was a dead letter comes back whole, and once."""

from __future__ import annotations

from pathlib import Path

import gevent
import pytest

from drakkar.contracts.source import ProducerRecord
from drakkar.models.message import SourceMessage
from drakkar.source.kafka.dead_letter_reader import KafkaDeadLetterReader
from drakkar.source.kafka.topics import Topics
from tests.services.dlq_town import dlq, letter, make_folder, read, replay, store
from tests.services.kafka_lab import KafkaTown


@pytest.fixture(autouse=True)
def folder(town: KafkaTown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_folder(town, tmp_path, monkeypatch)
    return tmp_path


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
        result = dlq('show', missing)
        assert (result.exit_code, result.stderr) == (1, f'error: there is no letter {missing}\n')


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


def test_a_patient_configuration_is_no_obstacle(town):
    store(town, [letter(SourceMessage(town.topic, 0, 1, b'x'))])
    assert replay('--set', 'kafka.request_timeout_ms=120000')['replayed'] == 1


def test_brokers_that_are_not_there():
    nowhere = ('--set', 'kafka.brokers=127.0.0.1:1', '--set', 'kafka.connect_timeout_seconds=0.5')
    result = dlq('replay', *nowhere)
    assert (result.exit_code, result.stdout) == (3, '')
    [line] = result.stderr.splitlines()
    assert line.startswith('error: [kafka] brokers = 127.0.0.1:1: no answer within 0.5 s')
    told = replay(*nowhere, code=3)
    assert (told['replayed'], told['error']) == (0, line.removeprefix('error: '))


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
