"""Fetched records that wait to be handed over, each partition in its turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from drakkar.models.message import SourceMessage, TopicPartition


class ReadAhead:
    """Queues of records by partition. kafka-python empties one partition before the next.

    It is full at `max_records`, or where their values have `max_bytes`, and may then
    be filled by one more poll all the same.
    """

    def __init__(self, max_records: int, max_bytes: int) -> None:
        self._queues: dict[TopicPartition, deque[Any]] = {}
        self._turn = 0
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._records = 0
        self._bytes = 0

    def __bool__(self) -> bool:
        return bool(self._queues)

    @property
    def full(self) -> bool:
        """Whether no more should be fetched for now."""
        return self._records >= self._max_records or self._bytes >= self._max_bytes

    def put(self, records: Mapping[Any, Sequence[Any]]) -> None:
        """Add the records of one poll."""
        for partition, batch in records.items():
            self._queues.setdefault(TopicPartition(*partition), deque()).extend(batch)
            self._count(batch, 1)

    def take(self, limit: int) -> list[SourceMessage]:
        """Return up to `limit` messages, about as many of each partition."""
        taken: list[SourceMessage] = []
        names = list(self._queues)
        self._turn += 1
        for index in range(len(names)):
            name = names[(self._turn + index) % len(names)]
            queue = self._queues[name]
            share = -(-(limit - len(taken)) // (len(names) - index))
            if share >= len(queue):
                taken += map(as_message, queue)
                del self._queues[name]
            else:
                taken += map(as_message, islice(queue, share))
                for _ in range(share):
                    queue.popleft()
        self._count(taken, -1)
        return taken

    def drop(self, partitions: Iterable[TopicPartition]) -> None:
        """Forget what is queued of these; whoever gets them reads it again."""
        for partition in partitions:
            self._count(self._queues.pop(partition, ()), -1)

    def _count(self, records: Collection[Any], sign: int) -> None:
        self._records += sign * len(records)
        self._bytes += sign * sum(len(r.value) for r in records if r.value)


def as_message(record: Any) -> SourceMessage:
    """Return kafka-python's record as a message: milliseconds become seconds, none becomes 0."""
    timestamp = record.timestamp
    return SourceMessage(
        record.topic,
        record.partition,
        record.offset,
        record.value,
        record.key,
        timestamp / 1000 if timestamp > 0 else 0.0,
        record.headers,
    )
