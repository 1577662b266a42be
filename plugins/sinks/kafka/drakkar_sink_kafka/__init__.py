"""Drakkar's Kafka sink: payloads as records of topics."""

from __future__ import annotations

import drakkar.api as dk
from drakkar_sink_kafka.inherit import take_source_connection
from drakkar_sink_kafka.options import KafkaSinkOptions
from drakkar_sink_kafka.payload import KafkaPayload

__all__ = ['KafkaPayload', 'KafkaSinkOptions']


@dk.hookimpl
def drakkar_register_sinks() -> list[dk.SinkSpec]:
    return [
        dk.SinkSpec(
            'kafka',
            'drakkar_sink_kafka.sink:KafkaSink',
            KafkaPayload,
            KafkaSinkOptions,
            label='Kafka',
            complete=take_source_connection,
        )
    ]
