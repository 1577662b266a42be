"""Messages as a source hands them over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class TopicPartition(NamedTuple):
    """Names one partition; sources with several topics keep them apart by it."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f'{self.topic}:{self.partition}'


@dataclass(slots=True, eq=False)
class SourceMessage:
    """One message of one partition.

    `key` and `value` are the raw bytes (either may be None), `timestamp` is in
    seconds since the epoch, `headers` are pairs of name and bytes. `payload` is
    the value decoded with the handler's `input_schema` (plain JSON where it has
    none), or None where decoding failed and `source.on_parse_error = pass`.
    """

    topic: str
    partition: int
    offset: int
    value: bytes | None
    key: bytes | None = None
    timestamp: float = 0.0
    headers: Sequence[tuple[str, bytes]] = ()
    payload: Any = field(default=None)

    @property
    def topic_partition(self) -> TopicPartition:
        return TopicPartition(self.topic, self.partition)

    @property
    def label(self) -> str:
        """`partition:offset`, the name by which logs and the UI know a message."""
        return f'{self.partition}:{self.offset}'
