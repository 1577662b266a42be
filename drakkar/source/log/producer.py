"""Writes to the embedded log, from any process and any number of them at a time."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import Any

from drakkar.contracts.source import Producer, ProducerRecord
from drakkar.models.message import TopicPartition
from drakkar.source.log.append import append, check, partition_of
from drakkar.source.log.store import LogStore

# How often a producer makes sure that its file is still the one of that name.
_CHECK_SECONDS = 1.0


class LogProducer(Producer):
    """Appends to the log of `topic` under the directory `path`, which it creates if need be.

    `partitions` counts only when the log is created. With `fsync` an append that
    has returned survives power loss, without it the death of the process.

    >>> with LogProducer('log') as producer:
    ...     producer.append(b'{"pattern": "import"}', key=b'a')
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        topic: str = 'messages',
        *,
        partitions: int = 8,
        fsync: bool = True,
        pragmas: Mapping[str, Any] | None = None,
    ) -> None:
        self._store = LogStore(path, topic, partitions, fsync=fsync, pragmas=pragmas)
        self._checked_at = -_CHECK_SECONDS
        self._next = random.randrange(partitions)

    @property
    def partitions(self) -> int:
        """How many partitions the log has; as asked for until `connect`."""
        return self._store.partitions

    def connect(self) -> None:
        """Open the log. Raises ConnectError, ConfigError."""
        self._store.open()

    def append(
        self,
        value: bytes | None,
        key: bytes | None = None,
        *,
        headers: Sequence[tuple[str, bytes]] = (),
        partition: int | None = None,
        timestamp: float | None = None,
    ) -> tuple[TopicPartition, int]:
        """Append one message, durable on return; return its partition and offset.

        Raises SourceError, and TypeError or ValueError for what can not be stored.
        """
        return self.append_many([ProducerRecord(value, key, headers, partition, timestamp)])[0]

    def append_many(self, records: Iterable[ProducerRecord]) -> list[tuple[TopicPartition, int]]:
        """Append all records or none, durable on return; return partition and offset of each.

        Raises SourceError, and TypeError or ValueError for what can not be stored.
        """
        batch = list(records)
        for record in batch:
            check(record, self.partitions)
        if not batch:
            return []
        if monotonic() - self._checked_at >= _CHECK_SECONDS:
            self._store.reopen_if_replaced()
            self._checked_at = monotonic()
        return self._store.run(append, self._store.topic, batch, self._place)

    def _place(self, record: ProducerRecord) -> int:
        if record.partition is not None:
            return record.partition
        if record.key is not None:
            return partition_of(record.key, self.partitions)
        self._next = (self._next + 1) % self.partitions
        return self._next

    def close(self) -> None:
        """Close the log. May be called twice."""
        self._store.close()
