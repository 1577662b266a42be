"""The payload of the Kafka sink."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from marshmallow import Schema

import drakkar.api as dk

# As a consumer hands them out, or as a mapping; texts are written in UTF-8.
Headers = Mapping[str, bytes | str] | Iterable[tuple[str, bytes | str]]


class KafkaPayload(dk.Payload):
    """One record for `topic`, or for the sink's where it is empty.

    `data` is written as JSON; bytes are written as they are, and None is a null
    value (a tombstone), which needs a key. Records of one key go to one partition,
    in their order; those without are spread.
    """

    sink_type = 'kafka'

    def __init__(
        self,
        data: Any,
        key: bytes | str | None = None,
        headers: Headers | None = None,
        *,
        topic: str = '',
        sink: str = '',
        schema: Schema | None = None,
    ) -> None:
        super().__init__(data, sink=sink, schema=schema)
        self.key = key.encode() if isinstance(key, str) else key
        pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
        self.headers = [(n, v.encode() if isinstance(v, str) else v) for n, v in pairs]
        self.topic = topic

    def value(self) -> bytes | None:
        """Return the value of the record. Raises TypeError where the data has no JSON form."""
        if self.data is None:
            return None
        if isinstance(self.data, bytes):
            return self.data
        return self.json_bytes()

    def describe(self) -> dict[str, Any]:
        """Return every field; bytes as text, or as base64 where they are not UTF-8."""
        data = _readable(self.data) if isinstance(self.data, bytes) else self.plain()
        return {
            'sink_type': self.sink_type,
            'sink': self.sink,
            'topic': self.topic,
            'key': _readable(self.key),
            'headers': [[name, _readable(value)] for name, value in self.headers],
            'data': data,
        }


def _readable(value: Any) -> Any:
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {'base64': base64.b64encode(value).decode()}
