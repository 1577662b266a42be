"""Reading: batches of several partitions in one snapshot."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from drakkar import jsonio
from drakkar.models.message import SourceMessage
from drakkar.source.log.schema import message_id, offset_of


class Want(NamedTuple):
    """Up to `limit` messages of a partition from `position` on."""

    partition: int
    position: int
    limit: int


@dataclass(slots=True)
class Batch:
    """What a partition had: `position` is the next offset to read.

    `skipped` messages are no longer there: retention removed them before they were read.
    """

    messages: list[SourceMessage]
    position: int
    skipped: int


@dataclass(slots=True)
class Reading:
    """One snapshot of the log. `version` changes when anyone else has written since.

    `highs` holds for each partition the offset that its next message will get.
    """

    version: int
    generation: int
    highs: dict[int, int]
    batches: dict[int, Batch]


def read(
    connection: sqlite3.Connection,
    topic: str,
    group: str,
    wants: Sequence[Want],
    max_bytes: int,
    seen_version: int | None,
) -> Reading | None:
    """Read what is wanted, or return None if nothing was written since `seen_version`.

    `max_bytes` bounds all values together, but a partition gives at least one
    message if it has any, however large.
    """
    # One read transaction, so that retention can not remove between two statements.
    connection.execute('BEGIN')
    try:
        (version,) = connection.execute('PRAGMA data_version').fetchone()
        if version == seen_version:
            return None
        row = connection.execute('SELECT generation FROM groups WHERE name = ?', (group,))
        generation = (row.fetchone() or (0,))[0]
        bounds = {
            partition: (start, high)
            for partition, start, high in connection.execute(
                'SELECT partition, start_offset, next_offset FROM partitions'
            )
        }
        batches = {}
        for want in wants:
            start, high = bounds[want.partition]
            batches[want.partition] = _read_partition(
                connection, topic, want, start, high, max_bytes // len(wants)
            )
        highs = {partition: high for partition, (_, high) in bounds.items()}
        return Reading(version, generation, highs, batches)
    finally:
        connection.execute('COMMIT')


def _read_partition(
    connection: sqlite3.Connection, topic: str, want: Want, start: int, high: int, max_bytes: int
) -> Batch:
    partition = want.partition
    position = max(want.position, start)
    messages: list[SourceMessage] = []
    size = 0
    if position < high:
        cursor = connection.execute(
            'SELECT id, timestamp, key, value, headers FROM messages'
            ' WHERE id >= ? AND id < ? ORDER BY id LIMIT ?',
            (message_id(partition, position), message_id(partition, high), want.limit),
        )
        for row_id, timestamp, key, value, headers in cursor:
            messages.append(
                SourceMessage(
                    topic,
                    partition,
                    offset_of(row_id),
                    value,
                    key,
                    timestamp,
                    _headers(headers) if headers else (),
                )
            )
            if value:
                size += len(value)
                if size >= max_bytes:
                    break
        cursor.close()
    skipped = position - want.position
    if messages:
        position = messages[-1].offset + 1
    elif position < high:
        # Rows that a damaged file lost must not be waited for.
        skipped += high - position
        position = high
    return Batch(messages, position, skipped)


def _headers(stored: bytes) -> list[tuple[str, bytes]]:
    return [(name, text.encode('latin-1')) for name, text in jsonio.loads(stored)]
