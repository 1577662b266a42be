"""Drakkar's Kafka sink: payloads as records of topics."""

from __future__ import annotations

import warnings

import drakkar.api as dk
from drakkar_sink_kafka.inherit import take_source_connection
from drakkar_sink_kafka.options import KafkaSinkOptions
from drakkar_sink_kafka.payload import KafkaPayload

with warnings.catch_warnings():
    # kafka-python reads its own files in a deprecated way, which is no news for our users.
    warnings.simplefilter('ignore', DeprecationWarning)
    from drakkar_sink_kafka.sink import KafkaSink

__all__ = ['KafkaPayload', 'KafkaSink', 'KafkaSinkOptions']


@dk.hookimpl
def drakkar_register_sinks() -> list[dk.SinkSpec]:
    return [
        dk.SinkSpec(
            'kafka',
            KafkaSink,
            KafkaPayload,
            KafkaSinkOptions,
            label='Kafka',
            complete=take_source_connection,
        )
    ]
