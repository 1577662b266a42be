"""Appending: placement, density, all or nothing, several at a time."""

from __future__ import annotations

import zlib

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drakkar.contracts.source import ProducerRecord
from drakkar.errors import ConfigError, ConnectError, SourceError
from drakkar.source.log.append import partition_of
from drakkar.source.log.producer import LogProducer
from drakkar.source.log.schema import message_id, offset_of


@given(st.integers(0, 2**14 - 1), st.integers(0, 2**48 - 1))
def test_ids_sort_by_partition_then_offset(partition, offset):
    number = message_id(partition, offset)
    assert offset_of(number) == offset
    assert number >> 48 == partition
    assert number < 2**63


@given(st.binary(), st.integers(1, 50))
def test_a_key_stays_in_its_partition(key, partitions):
    assert partition_of(key, partitions) == zlib.crc32(key) % partitions


def test_everything_of_a_message_comes_back(producer, worker, until):
    headers = [('trace', bytes(range(256))), ('ümlaut', b'')]
    producer.append(b'\x00\xff', b'key', headers=headers, partition=3, timestamp=12.5)
    producer.append(None, partition=3)
    consumer = worker().start()
    until(lambda: len(consumer.got) == 2)
    first, second = consumer.got
    assert (first.value, first.key, first.timestamp) == (b'\x00\xff', b'key', 12.5)
    assert list(first.headers) == headers
    assert (second.value, second.key, list(second.headers)) == (None, None, [])
    assert second.timestamp > 1e9


def test_without_a_key_all_partitions_get_their_share(producer):
    places = producer.append_many([ProducerRecord(b'x')] * 16)
    assert sorted(offset for _, offset in places) == [0] * 8 + [1] * 8
    assert {tp.partition for tp, _ in places} == set(range(8))


def test_several_producers_at_a_time_leave_no_gap(path):
    producers = [LogProducer(path, fsync=False) for _ in range(4)]
    for producer in producers:
        producer.connect()
    greenlets = [
        gevent.spawn(producer.append_many, [ProducerRecord(b'x', partition=0)] * 5)
        for _ in range(10)
        for producer in producers
    ]
    offsets = [offset for g in greenlets for _, offset in g.get()]
    assert sorted(offsets) == list(range(200))
    for producer in producers:
        producer.close()


@pytest.mark.parametrize(
    ('record', 'error'),
    [
        (ProducerRecord('text'), TypeError),  # type: ignore[arg-type]
        (ProducerRecord(b'x', key='text'), TypeError),  # type: ignore[arg-type]
        (ProducerRecord(b'x', partition=8), ValueError),
        (ProducerRecord(b'x', headers=[('name', 'text')]), TypeError),  # type: ignore[list-item]
    ],
)
def test_a_wrong_record_stores_nothing_of_its_batch(producer, record, error):
    with pytest.raises(error):
        producer.append_many([ProducerRecord(b'right', partition=0), record])
    assert producer.append(b'x', partition=0)[1] == 0


def test_the_number_of_partitions_is_fixed_when_the_log_is_made(producer, path):
    with LogProducer(path, partitions=3) as other:
        assert other.partitions == 8
        assert {tp.partition for tp, _ in other.append_many([ProducerRecord(b'x')] * 8)} == set(
            range(8)
        )


def test_a_full_disk_is_a_source_error_and_nothing_is_half_written(path):
    with LogProducer(path, partitions=1, pragmas={'max_page_count': 25}) as small:
        with pytest.raises(SourceError, match='no space left') as caught:
            small.append_many([ProducerRecord(b'x' * 1000)] * 200)
        assert str(path / 'messages.db') in str(caught.value)
        assert small.append(b'x')[1] == 0


def test_what_can_not_be_a_log_is_explained(tmp_path, path):
    occupied = tmp_path / 'occupied'
    occupied.write_text('a file')
    with pytest.raises(ConnectError, match=r'occupied: .*must name a directory'):
        LogProducer(occupied).connect()
    path.mkdir()
    (path / 'messages.db').write_bytes(b'this is no database ' * 50)
    with pytest.raises(ConnectError, match=r'messages\.db: is no SQLite database'):
        LogProducer(path).connect()
    with pytest.raises(ConfigError, match=r"topic '\.\./x'"):
        LogProducer(path, '../x')
