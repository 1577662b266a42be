"""The options of `[sinks.redis.NAME]`."""

from __future__ import annotations

import drakkar.api as dk


class RedisOptions(dk.OptionSchema):
    """Writes payloads to a Redis server, each batch in one pipeline."""

    url = dk.option.Url(
        required=True,
        schemes=('redis', 'rediss', 'unix'),
        description='The server: `redis://user:password@host:6379/0`, `rediss://` with TLS, or '
        '`unix:///path/to.sock?db=0`.',
    )
    key_prefix = dk.option.Str(
        default='', description='Put before the name of every key, stream and channel.'
    )
    default_ttl_seconds = dk.option.Float(
        default=0,
        min=0,
        unit='seconds',
        description='Lifetime of values and hashes whose payload names none; 0 means for ever.',
    )
    connect_timeout_seconds = dk.option.Float(
        default=5, min=0.001, unit='seconds', description='Longest wait for a connection.'
    )
    socket_timeout_seconds = dk.option.Float(
        default=10,
        min=0.001,
        unit='seconds',
        description='Longest silence of the server during a delivery, which then has failed.',
    )
