from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drakkar.envelope import encode, pack, parse, unpack
from drakkar.models.delivery import DeadLetter, SinkRef
from drakkar.models.message import SourceMessage
from drakkar.models.payload import Payload


class Row(Payload):
    sink_type = 'row'

    def __init__(self, data: Any, key: bytes | None = None) -> None:
        super().__init__(data)
        self.key = key


# Text as JSON can hold it: surrogates have no UTF-8.
text = st.text(st.characters(exclude_categories=['Cs']))
data = st.one_of(st.none(), st.binary(), text.map(str.encode))
times = st.floats(0, 4e9)
messages = st.builds(
    SourceMessage,
    topic=text,
    partition=st.integers(-1, 2**31),
    offset=st.integers(-1, 2**63 - 1),
    value=data,
    key=data,
    timestamp=times,
    headers=st.lists(st.tuples(text, data)),
)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | text,
    lambda inner: st.lists(inner) | st.dictionaries(text, inner),
    max_leaves=10,
)
letters = st.builds(
    DeadLetter,
    message=messages,
    stage=st.sampled_from(['parse', 'deliver']),
    error=text,
    traceback=text,
    payloads=st.lists(st.builds(Row, st.dictionaries(text, plain)), max_size=3),
    sink=st.none() | st.builds(SinkRef, text, text),
    task_id=text,
    labels=st.dictionaries(text, text),
    attempts=st.integers(0, 100),
    worker=text,
    time=times,
)


@given(letters)
def test_what_is_written_is_read_back_whole(letter: DeadLetter) -> None:
    line = encode(letter)
    assert b'\n' not in line
    read = parse(line)
    for name in ('topic', 'partition', 'offset', 'value', 'key', 'timestamp', 'headers'):
        assert getattr(read.message, name) == getattr(letter.message, name)
    for name in ('stage', 'error', 'traceback', 'sink', 'task_id', 'labels', 'attempts', 'worker'):
        assert getattr(read, name) == getattr(letter, name)
    assert read.time == letter.time
    assert read.payloads == [payload.describe() for payload in letter.payloads]


@given(data)
def test_bytes_survive_the_way_through_json(value: bytes | None) -> None:
    assert unpack(json.loads(json.dumps(pack(value)))) == value


def test_null_empty_text_and_bytes_are_kept_apart() -> None:
    values = [None, b'', b'null', b'{"base64": "AA=="}', b'\xff', b'\x00']
    packed = [json.dumps(pack(value)) for value in values]
    assert len(set(packed)) == len(values)
    assert pack(b'\xff') == {'base64': '/w=='}


def letter_with(payloads: Any, **fields: Any) -> DeadLetter:
    message = SourceMessage('t', 1, 2, b'value', b'key')
    return DeadLetter(message, 'deliver', fields.pop('error', 'e'), payloads=payloads, **fields)


@dataclass
class Point:
    x: int


def raising() -> Any:
    class Bad:
        def __repr__(self) -> str:
            raise ValueError

    return Bad()


def endless() -> Any:
    ring: list[Any] = []
    ring.append(ring)
    return ring


@pytest.mark.parametrize(
    ('bad', 'kept'),
    [
        (object(), 'object object'),
        ({'good': 1, 'bad': object()}, '"good":1'),
        ({1: {2, 3}, 'p': Point(1)}, '"x":1'),
        ({'raw': b'\xff'}, '/w=='),
        ({'text': '\ud800'}, 'ud800'),
        (raising(), 'without a repr'),
        (endless(), 'row'),
        ({'big': 2**70}, str(2**70)),
    ],
)
def test_a_payload_without_a_json_form_is_described(bad: Any, kept: str) -> None:
    line = encode(letter_with([Row(bad), Row({'fine': True})]))
    assert kept in line.decode()
    read = parse(line)
    assert read.message.value == b'value'
    assert read.payloads[0]['sink_type'] == 'row'
    assert read.payloads[1]['data'] == {'fine': True}


def test_bytes_in_a_payload_are_packed() -> None:
    read = parse(encode(letter_with([Row({'a': 1}, key=b'k'), Row({}, key=b'\xfe')])))
    assert [payload['key'] for payload in read.payloads] == ['k', {'base64': '/g=='}]


def test_an_error_text_that_is_not_unicode_can_be_written() -> None:
    assert parse(encode(letter_with([], error='file \udcff'))).error == 'file \\udcff'


@pytest.mark.parametrize(
    'line', [b'', b'{', b'[]', b'{}', b'null', b'{"version": 99}', b'{"version": 1}', b'"text"']
)
def test_anything_else_is_a_value_error(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the JSON parser's text, or ours
        parse(line)
