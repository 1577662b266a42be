"""What is asked of the probe: a message as somebody pasted it."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from drakkar.errors import DrakkarError
from drakkar.models.message import SourceMessage

TIMEOUT_SECONDS = 30.0
TIMEOUT_MAX_SECONDS = 300.0
_MAX_OFFSET = 2**63 - 1
MAX_HEADERS = 100
_MAX_TOLD = 10  # wrong fields
_TEXT, _BASE64 = 'text', 'base64'


class ProbeRequestError(DrakkarError):
    """The request is wrong; `fields` maps the name of each wrong field to what is wrong."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = dict(fields)
        super().__init__('; '.join(f'{name}: {text}' for name, text in self.fields.items()))


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """A message to probe, within `timeout_seconds`; `probe_id` names the probe for `cancel`."""

    message: SourceMessage
    timeout_seconds: float = TIMEOUT_SECONDS
    probe_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @classmethod
    def parse(cls, data: Any) -> ProbeRequest:
        """Return the request that a JSON object means. Raises ProbeRequestError."""
        if not isinstance(data, Mapping):
            raise ProbeRequestError({'body': 'expected a JSON object'})
        try:
            values = _SCHEMA.load(data)
        except ValidationError as error:
            raise ProbeRequestError(_by_field(error.normalized_messages())) from error
        value = _bytes('value', values['value'], values['encoding'])
        key = _bytes('key', values['key'], values['key_encoding'])
        headers = _headers(values['headers'])
        timestamp = values['timestamp']
        message = SourceMessage(
            values['topic'],
            values['partition'],
            values['offset'],
            value,
            key,
            time.time() if timestamp is None else timestamp,
            headers,
        )
        return cls(message, values['timeout_seconds'], values['probe_id'] or uuid.uuid4().hex)


class _RequestSchema(Schema):
    class Meta:
        unknown = RAISE

    value = fields.Str(required=True, allow_none=True)
    encoding = fields.Str(load_default=_TEXT, validate=validate.OneOf([_TEXT, _BASE64]))
    key = fields.Str(load_default=None, allow_none=True)
    key_encoding = fields.Str(load_default=_TEXT, validate=validate.OneOf([_TEXT, _BASE64]))
    headers = fields.Raw(load_default=(), allow_none=True)
    topic = fields.Str(load_default='probe', validate=validate.Length(1, 249))
    partition = fields.Int(load_default=0, strict=True, validate=validate.Range(0, 2**31 - 1))
    offset = fields.Int(load_default=0, strict=True, validate=validate.Range(0, _MAX_OFFSET))
    timestamp = fields.Float(load_default=None, allow_none=True)
    timeout_seconds = fields.Float(
        load_default=TIMEOUT_SECONDS,
        validate=validate.Range(0, TIMEOUT_MAX_SECONDS, min_inclusive=False),
    )
    probe_id = fields.Str(load_default='', validate=validate.Regexp(r'[\w-]{0,64}\Z'))


_SCHEMA = _RequestSchema()


def _by_field(messages: Mapping[str, Any]) -> dict[str, str]:
    return {
        str(name): ' '.join(map(str, found)) if isinstance(found, list) else str(found)
        for name, found in list(messages.items())[:_MAX_TOLD]
    }


def _bytes(name: str, value: str | None, encoding: str) -> bytes | None:
    """Return the bytes that a text means. Raises ProbeRequestError."""
    if value is None:
        return None
    if encoding == _BASE64:
        try:
            return base64.b64decode(''.join(value.split()), validate=True)
        except ValueError as error:  # also where it is not ASCII
            raise ProbeRequestError({name: f'not base64: {error}'}) from error
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise ProbeRequestError({name: 'half a surrogate pair has no UTF-8 form'}) from error


def _headers(value: Any) -> list[tuple[str, bytes]]:
    """Return headers from a mapping or a list of pairs. Raises ProbeRequestError."""
    pairs = list(value.items()) if isinstance(value, Mapping) else value or []
    if not isinstance(pairs, (list, tuple)) or not all(_is_header(pair) for pair in pairs):
        raise ProbeRequestError({'headers': 'expected an object, or a list of [name, text] pairs'})
    if len(pairs) > MAX_HEADERS:
        raise ProbeRequestError({'headers': f'a message may have {MAX_HEADERS} here'})
    return [(name, _bytes('headers', text, _TEXT) or b'') for name, text in pairs]


def _is_header(pair: Any) -> bool:
    return isinstance(pair, (list, tuple)) and [type(part) for part in pair] == [str, str]
