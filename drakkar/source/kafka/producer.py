"""Writes to the topic that the source reads: `drakkar produce`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError
from kafka.serializer import Serializer

from drakkar.contracts.source import Producer, ProducerRecord
from drakkar.errors import ConnectError, SourceError
from drakkar.kafka_client import KafkaClient
from drakkar.models.message import TopicPartition

_LINGER_MS = 5
_BATCH_BYTES = 128 << 10
_MAX_BYTES = 64 << 20
_SECONDS = 60.0
_CLOSE_SECONDS = 5.0
# A delivery must have time for one request at least.
_MARGIN_MS = 1000
# kafka-python refuses a message that has neither value nor key, which Kafka itself does not.
_NULL = b'null'


class _Nulls(Serializer):
    """Serializes values: bytes as they are, `_NULL` itself as null."""

    def serialize(self, topic: str, headers: Any, data: bytes) -> bytes | None:
        return None if data is _NULL else data


class TopicProducer(Producer):
    """Appends to `topic`, acknowledged by all replicas in sync, each record once.

    Where the topic does not exist it is made, as far as the brokers do so, or with
    `must_exist` refused.
    """

    def __init__(self, client: KafkaClient, topic: str, *, must_exist: bool = False) -> None:
        self._client = client
        self._topic = topic
        self._must_exist = must_exist
        self._found = not must_exist
        self._producer: KafkaProducer | None = None
        self._partitions: set[int] = set()
        self._spoilt = False

    def connect(self) -> None:
        if not self._found:
            self._look_for_topic()
        if self._producer is None:
            milliseconds = int(_SECONDS * 1000)
            self._producer = self._client.producer(
                linger_ms=_LINGER_MS,
                batch_size=_BATCH_BYTES,
                value_serializer=_Nulls(),
                max_request_size=_MAX_BYTES,
                max_block_ms=int(self._client.options.connect_timeout_seconds * 1000),
                delivery_timeout_ms=milliseconds,
                request_timeout_ms=min(
                    self._client.options.request_timeout_ms, milliseconds - _MARGIN_MS
                ),
                allow_auto_create_topics=not self._must_exist,
            )
            self._spoilt = False

    def _look_for_topic(self) -> None:
        """Raise SourceError where there is no such topic, or nobody says."""
        admin = self._client.admin()
        try:
            if self._topic not in admin.list_topics():
                raise SourceError(f'topic {self._topic} does not exist')
            self._found = True
        except KafkaError as error:
            raise SourceError(f'topic {self._topic}: {error}') from error
        finally:
            admin.close()

    def append_many(self, records: Iterable[ProducerRecord]) -> list[tuple[TopicPartition, int]]:
        if self._spoilt:
            self._renew()
        batch = list(records)
        for record in batch:
            self._check(record)
        self._spoilt = True  # until all is known to be written
        try:
            futures = [self._send(record) for record in batch]
            places = [future.get(timeout=_SECONDS) for future in futures]
        except MessageSizeTooLargeError as error:
            raise ValueError(f'topic {self._topic}: {error}') from error
        except KafkaError as error:
            raise SourceError(f'topic {self._topic}: {_reason(error)}') from error
        self._spoilt = False
        return [(TopicPartition(place.topic, place.partition), place.offset) for place in places]

    def _renew(self) -> None:
        """Take a new producer: an idempotent one refuses everything after a refusal."""
        self.close()
        try:
            self.connect()
        except ConnectError as error:
            raise SourceError(str(error)) from error

    def _check(self, record: ProducerRecord) -> None:
        if self._producer is None:
            raise SourceError(f'topic {self._topic}: not connected')
        for name, value in record.headers:
            if not isinstance(name, str) or not isinstance(value, bytes):
                raise TypeError(f'header {name!r}: only pairs of text and bytes can be written')
        if record.partition is None or record.partition in self._partitions:
            return
        try:
            self._partitions = set(self._producer.partitions_for(self._topic) or ())
        except KafkaError as error:
            raise SourceError(f'topic {self._topic}: {error}') from error
        if record.partition not in self._partitions:
            raise ValueError(
                f'topic {self._topic} has no partition {record.partition}, '
                f'it has {len(self._partitions)}'
            )

    def _send(self, record: ProducerRecord) -> Any:
        timestamp = None if record.timestamp is None else round(record.timestamp * 1000)
        assert self._producer is not None
        return self._producer.send(
            self._topic,
            _NULL if record.value is None else record.value,
            record.key,
            list(record.headers),
            record.partition,
            timestamp,
        )

    def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is None:
            return
        if self._spoilt:
            # What it still holds was told as not written: it must not be written later.
            self._client.give_up(producer)
            return
        try:
            producer.close(timeout=_CLOSE_SECONDS)
        except KafkaError:
            self._client.give_up(producer)


def _reason(error: KafkaError) -> str:
    late = isinstance(error, KafkaTimeoutError)
    return f'the brokers did not answer in time: {error}' if late else str(error)
