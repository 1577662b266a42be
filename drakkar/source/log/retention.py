"""Removes old messages in small steps, by age and number, whether read or not.

As in Kafka, retention knows no groups: a group that stopped reading must not
fill the disk. One that lost messages by it is told so (see the source).
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass

from drakkar.source.log.schema import message_id, offset_of
from drakkar.sqlite import transaction

STEP_MESSAGES = 1000


@dataclass(frozen=True, slots=True)
class Retention:
    """What a partition keeps: messages younger than `hours`, at most `max_messages`; 0 = all."""

    hours: float = 0.0
    max_messages: int = 0

    def __bool__(self) -> bool:
        return self.hours > 0 or self.max_messages > 0


def trim(connection: sqlite3.Connection, keep: Retention, partition: int) -> int:
    """Remove up to STEP_MESSAGES from the start of a partition; return how many."""
    with transaction(connection):
        start, high = connection.execute(
            'SELECT start_offset, next_offset FROM partitions WHERE partition = ?', (partition,)
        ).fetchone()
        end = min(high, start + STEP_MESSAGES)
        new_start = start
        if keep.max_messages:
            new_start = max(new_start, min(end, high - keep.max_messages))
        if keep.hours:
            cutoff = time.time() - keep.hours * 3600
            new_start = max(new_start, _first_younger(connection, partition, start, end, cutoff))
        if new_start > start:
            connection.execute(
                'DELETE FROM messages WHERE id >= ? AND id < ?',
                (message_id(partition, start), message_id(partition, new_start)),
            )
            connection.execute(
                'UPDATE partitions SET start_offset = ? WHERE partition = ?', (new_start, partition)
            )
    return new_start - start


def _first_younger(
    connection: sqlite3.Connection, partition: int, start: int, end: int, cutoff: float
) -> int:
    # Only a prefix goes: offsets stay dense even where timestamps are out of order.
    row = connection.execute(
        'SELECT id FROM messages WHERE id >= ? AND id < ? AND timestamp >= ? ORDER BY id LIMIT 1',
        (message_id(partition, start), message_id(partition, end), cutoff),
    ).fetchone()
    return offset_of(row[0]) if row else end
