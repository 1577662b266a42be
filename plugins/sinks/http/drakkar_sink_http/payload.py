"""The payload of the HTTP sink."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema

import drakkar.api as dk
from drakkar_sink_http.headers import masked


class HttpPayload(dk.Payload):
    """One request to the sink's `url`, or part of one.

    `path` is appended to the URL and may have a query. `headers` come on top of
    the sink's. `key` is the idempotency key, where the sink sends one; empty
    derives it from the path, the headers and the data.
    """

    sink_type = 'http'

    def __init__(
        self,
        data: Any,
        *,
        path: str = '',
        headers: Mapping[str, str] | None = None,
        key: str = '',
        sink: str = '',
        schema: Schema | None = None,
    ) -> None:
        super().__init__(data, sink=sink, schema=schema)
        self.path = path
        self.headers = dict(headers or {})
        self.key = key

    def describe(self) -> dict[str, Any]:
        """Return every field, headers that look secret masked."""
        return super().describe() | {'headers': masked(self.headers)}
