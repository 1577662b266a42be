"""Drakkar's Redis sink: payloads as values, list items, stream entries, messages or hashes."""

from __future__ import annotations

import drakkar.api as dk
from drakkar_sink_redis.options import RedisOptions
from drakkar_sink_redis.payload import RedisPayload

__all__ = ['RedisOptions', 'RedisPayload']


@dk.hookimpl
def drakkar_register_sinks() -> list[dk.SinkSpec]:
    return [
        dk.SinkSpec(
            'redis', 'drakkar_sink_redis.sink:RedisSink', RedisPayload, RedisOptions, label='Redis'
        )
    ]
