"""Drakkar's MongoDB sink: payloads as documents, or as the data of named updates."""

from __future__ import annotations

import drakkar.api as dk
from drakkar_sink_mongo.options import MongoOptions
from drakkar_sink_mongo.payload import MongoPayload

__all__ = ['MongoOptions', 'MongoPayload']


@dk.hookimpl
def drakkar_register_sinks() -> list[dk.SinkSpec]:
    return [
        dk.SinkSpec(
            'mongo',
            'drakkar_sink_mongo.sink:MongoSink',
            MongoPayload,
            MongoOptions,
            label='MongoDB',
        )
    ]
