"""Drakkar's Redis sink: payloads as values, list items, stream entries, messages or hashes."""

from __future__ import annotations

import drakkar.api as dk
from drakkar_sink_redis.options import RedisOptions
from drakkar_sink_redis.payload import RedisPayload
from drakkar_sink_redis.sink import RedisSink

__all__ = ['RedisOptions', 'RedisPayload', 'RedisSink']


@dk.hookimpl
def drakkar_register_sinks() -> list[dk.SinkSpec]:
    return [dk.SinkSpec('redis', RedisSink, RedisPayload, RedisOptions, label='Redis')]
