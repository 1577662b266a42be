"""What may be asked of the probe, and how a mistake is named."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drakkar.worker.probe import ProbeRequest, ProbeRequestError
from drakkar.worker.probe.request import MAX_HEADERS


def test_all_fields() -> None:
    request = ProbeRequest.parse(
        {
            'value': 'aGk=\n',
            'encoding': 'base64',
            'key': 'aw==',
            'key_encoding': 'base64',
            'headers': [['a', '1'], ['a', 'é']],
            'topic': 't',
            'partition': 3,
            'offset': 2**62,
            'timestamp': 1.5,
            'timeout_seconds': 2,
            'probe_id': 'x-1',
        }
    )
    message = request.message
    assert (message.value, message.key) == (b'hi', b'k')
    assert message.headers == [('a', b'1'), ('a', 'é'.encode())]
    assert (message.topic, message.partition, message.offset) == ('t', 3, 2**62)
    assert (message.timestamp, request.timeout_seconds, request.probe_id) == (1.5, 2.0, 'x-1')


def test_only_the_value_is_needed() -> None:
    request = ProbeRequest.parse({'value': None})
    assert (request.message.value, request.message.key, request.message.headers) == (None, None, [])
    assert abs(request.message.timestamp - time.time()) < 60
    assert request.probe_id != ProbeRequest.parse({'value': None}).probe_id


@pytest.mark.parametrize(
    ('fields', 'named'),
    [
        ({}, 'value'),
        ({'value': 1}, 'value'),
        ({'value': 'not base64!', 'encoding': 'base64'}, 'value'),
        ({'value': '\ud800'}, 'value'),
        ({'value': '', 'encoding': 'hex'}, 'encoding'),
        ({'value': '', 'key': 'é', 'key_encoding': 'base64'}, 'key'),
        ({'value': '', 'headers': 'a: b'}, 'headers'),
        ({'value': '', 'headers': [['a']]}, 'headers'),
        ({'value': '', 'headers': {'a': 1}}, 'headers'),
        ({'value': '', 'headers': [['a', '']] * (MAX_HEADERS + 1)}, 'headers'),
        ({'value': '', 'partition': -1}, 'partition'),
        ({'value': '', 'partition': '0'}, 'partition'),
        ({'value': '', 'offset': -1}, 'offset'),
        ({'value': '', 'offset': 1.5}, 'offset'),
        ({'value': '', 'offset': 2**63}, 'offset'),
        ({'value': '', 'topic': ''}, 'topic'),
        ({'value': '', 'timestamp': 'now'}, 'timestamp'),
        ({'value': '', 'timeout_seconds': 0}, 'timeout_seconds'),
        ({'value': '', 'timeout_seconds': 301}, 'timeout_seconds'),
        ({'value': '', 'timeout_seconds': float('nan')}, 'timeout_seconds'),
        ({'value': '', 'probe_id': '<script>'}, 'probe_id'),
        ({'value': '', 'ofset': 1}, 'ofset'),
        ([], 'body'),
    ],
)
def test_a_mistake_is_named_by_its_field(fields: Any, named: str) -> None:
    with pytest.raises(ProbeRequestError) as caught:
        ProbeRequest.parse(fields)
    assert list(caught.value.fields) == [named]
    assert str(caught.value).startswith(f'{named}: ')


def test_only_so_many_mistakes_are_told() -> None:
    with pytest.raises(ProbeRequestError) as caught:
        ProbeRequest.parse({'value': '', **{f'x{n}': 1 for n in range(1000)}})
    assert len(caught.value.fields) == 10


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_FIELDS = ('value', 'encoding', 'key', 'headers', 'partition', 'offset', 'timestamp', 'probe_id')


@given(st.dictionaries(st.sampled_from(_FIELDS), _JSON) | _JSON)
def test_whatever_comes_it_is_a_request_or_a_mistake(data: Any) -> None:
    with contextlib.suppress(ProbeRequestError):
        assert ProbeRequest.parse(data).message.offset >= 0
