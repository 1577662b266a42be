"""Appending: dense offsets per partition, all records in one transaction or none."""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from drakkar import jsonio
from drakkar.contracts.source import ProducerRecord
from drakkar.models.message import TopicPartition
from drakkar.source.log.schema import message_id
from drakkar.sqlite import transaction


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of a key: CRC-32 modulo the number of partitions.

    CRC-32 is the same on every machine and in every language, and runs in C here;
    Kafka's default, murmur2, would not.
    """
    return zlib.crc32(key) % partitions


def check(record: ProducerRecord, partitions: int) -> None:
    """Raise TypeError or ValueError for a record that can not be stored."""
    for name, value in (('key', record.key), ('value', record.value)):
        if value is not None and not isinstance(value, bytes):
            raise TypeError(f'{name}: expected bytes or None, got {type(value).__name__}')
    for name, value in record.headers:
        if not isinstance(name, str) or not isinstance(value, bytes):
            raise TypeError(f'header {name!r}: expected pairs of text and bytes')
    if record.partition is not None and not 0 <= record.partition < partitions:
        raise ValueError(
            f'partition {record.partition} does not exist: the log has 0 to {partitions - 1}'
        )


def append(
    connection: sqlite3.Connection,
    topic: str,
    records: Sequence[ProducerRecord],
    place: Callable[[ProducerRecord], int],
) -> list[tuple[TopicPartition, int]]:
    """Store checked records, in order, where `place` puts them; return partition and offset."""
    now = time.time()
    rows: list[tuple[Any, ...]] = []
    places = []
    with transaction(connection):
        heads = dict(connection.execute('SELECT partition, next_offset FROM partitions').fetchall())
        before = dict(heads)
        for record in records:
            partition = place(record)
            offset = heads[partition]
            heads[partition] = offset + 1
            places.append((TopicPartition(topic, partition), offset))
            rows.append(
                (
                    message_id(partition, offset),
                    now if record.timestamp is None else record.timestamp,
                    record.key,
                    record.value,
                    _headers(record.headers) if record.headers else None,
                )
            )
        connection.executemany(
            'INSERT INTO messages (id, timestamp, key, value, headers) VALUES (?, ?, ?, ?, ?)', rows
        )
        connection.executemany(
            'UPDATE partitions SET next_offset = ? WHERE partition = ?',
            [(head, p) for p, head in heads.items() if head != before[p]],
        )
    return places


def _headers(headers: Sequence[tuple[str, bytes]]) -> bytes:
    # Latin-1 maps every byte to one character and back.
    return jsonio.dumps_bytes([(name, value.decode('latin-1')) for name, value in headers])
