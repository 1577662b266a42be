"""The Kafka sink: has a batch sent, and says what failed."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, cast

import drakkar.api as dk
from drakkar_sink_kafka.payload import KafkaPayload

with warnings.catch_warnings():
    # kafka-python reads its own files in a deprecated way, which is no news for our users.
    warnings.simplefilter('ignore', DeprecationWarning)
    from drakkar_sink_kafka.batch import Batch
    from drakkar_sink_kafka.producer import ProducerSlot


class KafkaSink(dk.Sink):
    """Writes payloads as records, acknowledged by all replicas in sync.

    The producer writes a record once however often it repeats a request; a
    payload that is delivered twice is there twice, so the sink is not idempotent.
    """

    def __init__(self, name: str, options: Any) -> None:
        super().__init__(name, options)
        self._slot = ProducerSlot(name, options)

    def connect(self) -> None:
        """Connect, and look for the topic. Raises AccessRefusedError, SinkError, ConfigError."""
        self._slot.open()
        self._slot.check_topic(self.options.topic)

    def deliver(self, payloads: Sequence[dk.Payload]) -> None:
        batch = Batch(self._slot, self.options, cast(Sequence[KafkaPayload], payloads))
        batch.run()
        failures = batch.failures
        if failures and len(payloads) == 1:
            raise failures[0]
        if failures:
            raise dk.PartialDeliveryError(failures)

    def close(self) -> None:
        self._slot.close()
