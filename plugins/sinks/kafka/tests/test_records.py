"""What is written: keys, values, headers, topics, and what can not be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from marshmallow import ValidationError

import drakkar.api as dk
from drakkar_sink_kafka import KafkaPayload, KafkaSinkOptions


def test_a_record_has_key_value_and_headers(make: Any, town: Any) -> None:
    headers = [('id', b'\xff\x00'), ('id', 'zwei'), ('leer', b'')]
    make().deliver([KafkaPayload({'n': 1}, key=b'\xfe', headers=headers)])
    (record,) = town.records()
    assert (record.key, record.value) == (b'\xfe', b'{"n":1}')
    assert list(record.headers) == [('id', b'\xff\x00'), ('id', b'zwei'), ('leer', b'')]


@pytest.mark.parametrize(
    ('payload', 'key', 'value'),
    [
        (KafkaPayload({'n': 1}), None, b'{"n":1}'),
        (KafkaPayload(None, key='k'), b'k', None),
        (KafkaPayload(b'\x00\xff', key=''), b'', b'\x00\xff'),
        (KafkaPayload(b''), None, b''),
        (KafkaPayload('text'), None, b'"text"'),
        (KafkaPayload({'n': 1}, headers={'a': 'b'}), None, b'{"n":1}'),
    ],
)
def test_a_key_and_a_value_may_be_null_and_need_not_be_text(
    make: Any, town: Any, payload: KafkaPayload, key: Any, value: Any
) -> None:
    make().deliver([payload])
    (record,) = town.records()
    assert (record.key, record.value) == (key, value)


def test_a_hundred_headers_and_a_megabyte(make: Any, town: Any) -> None:
    headers = {f'h{n}': b'x' * n for n in range(100)}
    make().deliver([KafkaPayload({'n': 1}, headers=headers), KafkaPayload(b'x' * 1_000_000)])
    one, two = sorted(town.records(), key=lambda record: len(record.value))
    assert dict(one.headers) == headers
    assert two.value == b'x' * 1_000_000


def test_records_of_one_key_stay_in_order_in_one_partition(make: Any, town: Any) -> None:
    sink = make()
    for start in range(0, 3000, 1000):
        sink.deliver([KafkaPayload({'n': n}, key=f'{n % 7}') for n in range(start, start + 1000)])
    by_key: dict[bytes, list[Any]] = {}
    for record in town.records():
        by_key.setdefault(record.key, []).append(record)
    assert len(by_key) == 7
    for records in by_key.values():
        assert len({record.partition for record in records}) == 1
        numbers = [json.loads(record.value)['n'] for record in records]
        assert numbers == sorted(numbers)


def test_records_without_a_key_are_spread(make: Any, town: Any) -> None:
    sink = make()
    for _ in range(30):
        sink.deliver([KafkaPayload({'pad': 'x' * 30_000}) for _ in range(4)])
    assert {record.partition for record in town.records()} == {0, 1, 2}


def test_a_payload_may_name_its_topic(make: Any, town: Any) -> None:
    other = town.create('_other')
    make().deliver([KafkaPayload(1), KafkaPayload(2, topic=other)])
    assert [record.value for record in town.records()] == [b'1']
    assert [record.value for record in town.records('_other')] == [b'2']


@pytest.mark.parametrize('compression', ['gzip', 'snappy', 'lz4', 'zstd'])
def test_compressed(make: Any, town: Any, compression: str) -> None:
    make(compression=compression).deliver([KafkaPayload({'n': n}, key='k') for n in range(100)])
    assert [json.loads(record.value)['n'] for record in town.records()] == list(range(100))


@pytest.mark.parametrize(
    ('payload', 'text'),
    [
        (KafkaPayload(None), 'key'),
        (KafkaPayload({'n': object()}), 'JSON'),
        (KafkaPayload(1, key=5), 'key'),  # type: ignore[arg-type]
        (KafkaPayload(1, headers={'a': None}), 'header'),  # type: ignore[dict-item]
        (KafkaPayload(1, headers={'a': 5}), 'header'),  # type: ignore[dict-item]
        (KafkaPayload(1, topic='no such name!'), 'illegal'),
        (KafkaPayload(b'x' * 1_100_000), '1100'),
    ],
)
def test_what_can_not_be_a_record_is_refused_alone(
    make: Any, town: Any, failures: Any, payload: KafkaPayload, text: str
) -> None:
    failed = failures(make(), KafkaPayload('a'), payload, KafkaPayload('b'))
    assert list(failed) == [1]
    assert isinstance(failed[1], dk.RefusedError)
    assert text in str(failed[1])
    assert sorted(record.value for record in town.records()) == [b'"a"', b'"b"']


def test_what_the_topic_finds_too_large_is_refused_alone(
    make: Any, town: Any, failures: Any
) -> None:
    topic = town.create('_small', 1, max_message_bytes=2000)
    batch = [KafkaPayload({'n': n, 'pad': 'x' * (5000 if n == 7 else 100)}) for n in range(60)]
    failed = failures(make(topic=topic), *batch)
    assert list(failed) == [7]
    assert isinstance(failed[7], dk.RefusedError)
    assert topic in str(failed[7])
    found = [json.loads(record.value)['n'] for record in town.records('_small')]
    assert set(found) == set(range(60)) - {7}


def test_the_sink_works_on_after_a_record_was_too_large(
    make: Any, town: Any, failures: Any
) -> None:
    topic = town.create('_small', 1, max_message_bytes=2000)
    sink = make(topic=topic)
    for number in range(3):
        failed = failures(sink, KafkaPayload(number), KafkaPayload('x' * 5000))
        assert list(failed) == [1]
    assert [record.value for record in town.records('_small')] == [b'0', b'1', b'2']


def test_what_a_compacted_topic_does_not_take_is_refused_alone(
    make: Any, town: Any, failures: Any
) -> None:
    topic = town.create('_compact', 1, cleanup_policy='compact')
    batch = [KafkaPayload(n, key=None if n in (3, 30) else 'k') for n in range(40)]
    failed = failures(make(topic=topic), *batch)
    assert sorted(failed) == [3, 30]
    assert all(isinstance(error, dk.RefusedError) for error in failed.values())
    found = [json.loads(record.value) for record in town.records('_compact')]
    assert found == [n for n in range(40) if n not in (3, 30)]


def test_a_payload_describes_itself_for_the_dead_letter_queue() -> None:
    payload = KafkaPayload(b'\xff', key=b'\xfe', headers={'a': b'b', 'c': b'\xff'}, topic='t')
    assert payload.describe() == {
        'sink_type': 'kafka',
        'sink': '',
        'topic': 't',
        'key': {'base64': '/g=='},
        'headers': [['a', 'b'], ['c', {'base64': '/w=='}]],
        'data': {'base64': '/w=='},
    }


@pytest.mark.parametrize(
    ('options', 'text'),
    [({}, 'topic'), ({'topic': 't', 'compression': 'rar'}, 'gzip'), ({'topic': ''}, 'topic')],
)
def test_options_that_can_not_be(options: dict[str, str], text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        KafkaSinkOptions().load(options)
