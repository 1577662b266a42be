"""One producer's life: made, asked for topics, closed, or given up with what it holds."""

from __future__ import annotations

import time
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError

import drakkar.api as dk
from drakkar_sink_kafka.partitioner import KeyPartitioner

BATCH_BYTES = 64 << 10
# Records leave when their delivery has all of them together, or their batch is full, or after
# this time: else the first ones cost a request of their own.
LINGER_MS = 50
# How long a topic that nobody has heard of is looked for, and how long it counts as missing.
TOPIC_SECONDS = 3.0
MISSING_SECONDS = 10.0
CLOSE_SECONDS = 5.0


class ProducerSlot:
    """Has a producer whenever one is asked for, and knows which topics there are."""

    def __init__(self, name: str, options: Any) -> None:
        # Whoever tells of an error of a sink names its section.
        self._client = dk.KafkaClient('', options, f'drakkar-{name}')
        self._options = options
        self._producer: KafkaProducer | None = None
        self._topics: set[str] = set()
        self._missing: dict[str, float] = {}

    def get(self) -> KafkaProducer:
        """Return the producer, a new one where there is none. Raises NotWrittenError."""
        try:
            return self.open()
        except dk.AccessRefusedError as error:  # the password was changed, and may be here too
            raise dk.NotWrittenError(str(error)) from error

    def open(self) -> KafkaProducer:
        """Return the producer as `get` does. Raises AccessRefusedError too."""
        if self._producer is None:
            self._producer = self._open()
            self._topics.clear()
        return self._producer

    def refusal(self) -> str:
        """Return why the brokers keep the producer out; empty where they do not."""
        return '' if self._producer is None else self._client.refusal(self._producer)

    def _open(self) -> KafkaProducer:
        options = self._options
        milliseconds = int(options.timeout_seconds * 1000)
        compression = None if options.compression == 'none' else options.compression
        try:
            return self._client.producer(
                compression_type=compression,
                allow_auto_create_topics=options.create_topics,
                max_request_size=options.max_message_bytes,
                batch_size=BATCH_BYTES,
                linger_ms=LINGER_MS,
                partitioner=KeyPartitioner(),
                max_block_ms=int(TOPIC_SECONDS * 1000),
                # Time for a second request within one delivery.
                request_timeout_ms=min(options.request_timeout_ms, milliseconds // 2),
                delivery_timeout_ms=milliseconds,
            )
        except RuntimeError as error:  # a codec whose package is missing
            raise dk.ConfigError(f'compression = {options.compression}: {error}') from error
        except dk.AccessRefusedError:
            raise
        except dk.ConnectError as error:
            raise dk.NotWrittenError(str(error)) from error

    def check_topic(self, topic: str) -> None:
        """Raise RefusedError where there is no such topic, NotWrittenError where nobody says."""
        if topic in self._topics:
            return
        if self._missing.get(topic, 0.0) > time.monotonic():
            raise _no_topic(topic)
        try:
            self.get().partitions_for(topic)
        except KafkaTimeoutError as error:
            if self._exists(topic):
                raise dk.NotWrittenError(f'topic {topic}: {error}') from error
            self._missing[topic] = time.monotonic() + MISSING_SECONDS
            raise _no_topic(topic) from error
        self._topics.add(topic)

    def _exists(self, topic: str) -> bool:
        """Ask in another way: the producer does not tell a missing topic from a missing answer."""
        try:
            admin = self._client.admin()
            try:
                return topic in admin.list_topics()
            finally:
                admin.close()
        except (dk.ConnectError, KafkaError) as error:
            raise dk.NotWrittenError(f'topic {topic}: {error}') from error

    def give_up(self) -> None:
        """Drop the producer with all that it still holds: nothing is sent after this."""
        producer, self._producer = self._producer, None
        if producer is not None:
            self._client.give_up(producer)

    def close(self) -> None:
        """Close the producer; there is nothing unsent in it between deliveries."""
        producer = self._producer
        if producer is None:
            return
        try:
            producer.close(timeout=CLOSE_SECONDS)
        except KafkaError:
            self.give_up()
        self._producer = None


def _no_topic(topic: str) -> dk.RefusedError:
    return dk.RefusedError(f'topic {topic} does not exist')
