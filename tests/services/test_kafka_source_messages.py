"""Messages of every kind come through Kafka as they were written."""

from __future__ import annotations

import os
import time

import pytest

from drakkar.contracts.source import ProducerRecord
from drakkar.errors import ConnectError, SourceError
from drakkar.models.message import SourceMessage
from drakkar.source.kafka.producer import TopicProducer
from tests.services.kafka_lab import KafkaTown
from tests.services.waiting import wait_until


def through(town: KafkaTown, record: ProducerRecord) -> SourceMessage:
    town.producer.append_many([record])
    member = town.member()
    wait_until(lambda: member.messages)
    [message] = member.messages
    return message


@pytest.mark.parametrize(
    ('value', 'key'),
    [
        (None, b'k'),
        (None, None),
        (b'', None),
        (b'', b''),
        (b'\xff\xfe', b'\xff\x00\xfe'),
        (b'{"not": json', b'caf\xc3\xa9'),
    ],
)
def test_value_and_key(town: KafkaTown, value: bytes | None, key: bytes | None) -> None:
    message = through(town, ProducerRecord(value, key))
    assert (message.value, message.key) == (value, key)
    assert message.headers == []


def test_a_message_of_a_megabyte(town: KafkaTown) -> None:
    value = os.urandom(1_000_000)  # more than one fetch of a partition brings
    assert through(town, ProducerRecord(value, b'k')).value == value


def test_a_hundred_headers_in_order_with_repeated_names(town: KafkaTown) -> None:
    headers = [(f'name-{number % 50}', bytes([number])) for number in range(100)]
    assert through(town, ProducerRecord(b'x', headers=headers)).headers == headers


def test_timestamps_are_seconds(town: KafkaTown) -> None:
    at = time.time() - 3600
    assert through(town, ProducerRecord(b'x', timestamp=at)).timestamp == pytest.approx(
        at, abs=1e-3
    )


def test_compressed_messages(town: KafkaTown) -> None:
    producer = town.client.producer(compression_type='gzip')
    values = [b'%d' % number * 100 for number in range(50)]
    for value in values:
        producer.send(town.topic, value, partition=0)
    producer.close()
    member = town.member()
    wait_until(lambda: member.values() == values)


def test_a_message_larger_than_the_fetch_limits(town: KafkaTown) -> None:
    town.append(b'a' * 500_000)
    town.append(b'b')
    member = town.member(fetch_max_bytes=1024, max_partition_fetch_bytes=1024)
    wait_until(lambda: [v[:1] for v in member.values() if v] == [b'a', b'b'])


def test_the_key_decides_the_partition_and_places_are_returned(town: KafkaTown) -> None:
    records = [ProducerRecord(b'%d' % n, b'k%d' % (n % 3)) for n in range(30)]
    places = town.producer.append_many(records)
    by_key = {}
    for record, (partition, _) in zip(records, places, strict=True):
        by_key.setdefault(record.key, set()).add(partition)
    assert all(len(found) == 1 for found in by_key.values())
    member = town.member()
    wait_until(lambda: len(member.messages) == 30)
    read = {(m.topic_partition, m.offset): m.value for m in member.messages}
    assert [read[place] for place in places] == [record.value for record in records]


def test_a_partition_that_does_not_exist_is_refused(town: KafkaTown) -> None:
    with pytest.raises(ValueError, match='has no partition 9, it has 4'):
        town.append(b'x', 9)


def test_a_topic_that_does_not_exist_is_told_and_read_when_it_appears(town: KafkaTown) -> None:
    name = f'{town.topic}_missing'
    member = town.member(source_topic=name)
    told = f'topic {name} does not exist'
    wait_until(lambda: any(told in str(error) for error in member.errors), 20)
    assert all(isinstance(error, SourceError) for error in member.errors)
    town.make_topic(name, 1)
    town.make_producer(name).append_many([ProducerRecord(b'x')])
    wait_until(lambda: member.values() == [b'x'], 15)


def test_an_unreachable_broker_is_a_connect_error_that_names_all(town: KafkaTown) -> None:
    source = town.source(brokers='127.0.0.1:1', connect_timeout_seconds=0.5)
    with pytest.raises(ConnectError) as caught:
        source.start(None)
    text = str(caught.value)
    assert text.startswith('[kafka] brokers = 127.0.0.1:1: no answer within 0.5 s')
    assert '127.0.0.1:1: Connection refused' in text


def test_a_producer_that_is_not_connected_says_so(town: KafkaTown) -> None:
    with pytest.raises(SourceError, match='not connected'):
        TopicProducer(town.client, town.topic).append_many([ProducerRecord(b'x')])


def test_a_producer_goes_on_after_a_message_that_was_refused(town: KafkaTown) -> None:
    with pytest.raises(ValueError, match='MessageSizeTooLarge'):
        town.append(os.urandom(3_000_000))
    town.append(b'next')
    member = town.member()
    wait_until(lambda: member.values() == [b'next'])
