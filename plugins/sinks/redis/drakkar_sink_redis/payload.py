"""The payload of the Redis sink."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema

import drakkar.api as dk


class RedisPayload(dk.Payload):
    """Data for the key `key`, as JSON; the class methods make those for other structures.

    `ttl` is the value's lifetime in seconds: None means the sink's
    `default_ttl_seconds`, 0 for ever.
    """

    sink_type = 'redis'

    def __init__(
        self,
        key: str,
        data: Any,
        *,
        ttl: float | None = None,
        sink: str = '',
        schema: Schema | None = None,
    ) -> None:
        super().__init__(data, sink=sink, schema=schema)
        self.operation = 'set'
        self.key = key
        self.ttl = ttl
        self.left = False
        self.max_length: int | None = None

    @classmethod
    def hash(
        cls,
        key: str,
        data: Any,
        *,
        ttl: float | None = None,
        sink: str = '',
        schema: Schema | None = None,
    ) -> RedisPayload:
        """Set fields of the hash `key`, those of a mapping; fields it does not name stay."""
        payload = cls(key, data, ttl=ttl, sink=sink, schema=schema)
        payload.operation = 'hash'
        return payload

    @classmethod
    def push(
        cls,
        key: str,
        data: Any,
        *,
        left: bool = False,
        max_length: int | None = None,
        sink: str = '',
        schema: Schema | None = None,
    ) -> RedisPayload:
        """Append one item to the list `key`, or put it before the others (`left`).

        With `max_length` the list is cut to so many items, the newest ones.
        """
        payload = cls(key, data, sink=sink, schema=schema)
        payload.operation = 'push'
        payload.left = left
        payload.max_length = max_length
        return payload

    @classmethod
    def stream(
        cls,
        key: str,
        data: Any,
        *,
        max_length: int | None = None,
        sink: str = '',
        schema: Schema | None = None,
    ) -> RedisPayload:
        """Add one entry, the fields of a mapping, to the stream `key`.

        With `max_length` the stream keeps about that many entries, never fewer.
        """
        payload = cls(key, data, sink=sink, schema=schema)
        payload.operation = 'stream'
        payload.max_length = max_length
        return payload

    @classmethod
    def publish(
        cls, channel: str, data: Any, *, sink: str = '', schema: Schema | None = None
    ) -> RedisPayload:
        """Send data, as JSON, to those who listen to `channel` now."""
        payload = cls(channel, data, sink=sink, schema=schema)
        payload.operation = 'publish'
        return payload
