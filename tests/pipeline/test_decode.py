from __future__ import annotations

import json

import marshmallow as ma
import pytest

from drakkar import jsonio
from drakkar.handler import Handler
from drakkar.models.message import SourceMessage
from drakkar.pipeline.decode import DecodeError, Decoder


class Request(ma.Schema):
    pattern = ma.fields.String(required=True)
    limit = ma.fields.Integer(load_default=10)


class WithSchema(Handler):
    input_schema = Request


class WithInstance(Handler):
    input_schema = Request(unknown=ma.EXCLUDE)


class Raw(Handler):
    input_format = 'raw'


def decoded(handler: Handler, value: bytes | None) -> object:
    message = SourceMessage('t', 0, 1, value)
    Decoder(handler).decode(message)
    return message.payload


def test_without_a_schema_the_payload_is_plain_json() -> None:
    assert decoded(Handler(), b'{"a": [1, null]}') == {'a': [1, None]}


def test_with_a_schema_it_is_what_the_schema_loads() -> None:
    assert decoded(WithSchema(), b'{"pattern": "x"}') == {'pattern': 'x', 'limit': 10}
    assert decoded(WithInstance(), b'{"pattern": "x", "more": 1}') == {'pattern': 'x', 'limit': 10}


@pytest.mark.parametrize('value', [b'\xff\x00', b'', None, b'not json'])
def test_raw_leaves_the_bytes(value: bytes | None) -> None:
    assert decoded(Raw(), value) == value


@pytest.mark.parametrize(
    ('value', 'says'),
    [
        (None, 'null value'),
        (b'', 'empty value'),
        (b'{"a"', 'not JSON'),
        (b'\xff\xfe', 'not JSON'),
        (b'{"limit": "x"}', 'does not fit Request'),
        (b'[1, 2]', 'does not fit Request'),
    ],
)
def test_what_does_not_fit_says_why(value: bytes | None, says: str) -> None:
    with pytest.raises(DecodeError, match=says):
        decoded(WithSchema(), value)


def test_nesting_that_a_decoder_can_not_follow_is_a_bad_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jsonio, 'loads', json.loads)  # what reads where orjson is not installed
    with pytest.raises(DecodeError, match='not JSON'):
        decoded(Handler(), b'[' * 100_000)
