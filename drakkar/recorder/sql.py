"""What the recorder does with its tables. For the native thread that has the connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import peewee

from drakkar.recorder.rows import Row
from drakkar.recorder.tables import TABLES, EventRow
from drakkar.sqlite import transaction

# Larger pages and rarer checkpoints (every 32 MiB) than SQLite's own, which makes a write a sixth
# cheaper. What the write-ahead log has survives the death of the process.
PRAGMAS = {'page_size': 8192, 'wal_autocheckpoint': 4096, 'cache_size': -8192}
# Rows of one statement. Binding them holds the GIL for some tenths of a millisecond, writing
# them does not; a statement a row would take and give the GIL so often that a busy hub starves
# the thread.
_CHUNK = 512
_COLUMNS = ', '.join(EventRow._fields)
_PLACES = f'({", ".join("?" * len(EventRow._fields))})'
# What a value that SQLite can not store raises, other than a failing disk.
_UNWRITABLE = (OverflowError, UnicodeError, sqlite3.InterfaceError, sqlite3.ProgrammingError)


def create_tables(connection: sqlite3.Connection, orm: peewee.Database) -> None:
    """Create what is missing."""
    with transaction(connection):
        for table in TABLES:
            peewee.SchemaManager(table, database=orm).create_all()


def write(
    connection: sqlite3.Connection,
    rows: Sequence[Row],
    identity: Mapping[str, str] | None = None,
    state: tuple[float, str] | None = None,
) -> int:
    """Write everything or nothing; return how many rows no database would take.

    `identity` are keys of `worker_config` with their JSON, `state` is a time and a snapshot.
    """
    with transaction(connection):
        unwritable = insert_events(connection, rows)
        if identity:
            connection.executemany(
                'INSERT OR REPLACE INTO worker_config (key, value) VALUES (?, ?)',
                identity.items(),
            )
        if state is not None:
            connection.execute('INSERT INTO worker_state (ts, state) VALUES (?, ?)', state)
    return unwritable


def insert_events(connection: sqlite3.Connection, rows: Sequence[Row]) -> int:
    """Insert within a transaction; return how many rows can not be written at all."""
    unwritable = 0
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        try:
            _insert(connection, chunk)
        except _UNWRITABLE:
            unwritable += _insert_one_by_one(connection, chunk)
    return unwritable


def _insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    places = _ALL_PLACES if len(rows) == _CHUNK else ', '.join([_PLACES] * len(rows))
    values = list(chain.from_iterable(rows))
    connection.execute(f'INSERT INTO events ({_COLUMNS}) VALUES {places}', values)


_ALL_PLACES = ', '.join([_PLACES] * _CHUNK)


def _insert_one_by_one(connection: sqlite3.Connection, rows: Iterable[Row]) -> int:
    unwritable = 0
    for row in rows:
        try:
            _insert(connection, [row])
        except _UNWRITABLE:
            unwritable += 1
    return unwritable


def forget(connection: sqlite3.Connection, keep: int, max_bytes: int) -> None:
    """Take the oldest rows away until no more than `keep` are left, in at most `max_bytes`."""
    low, high = connection.execute(
        'SELECT (SELECT min(id) FROM events), (SELECT max(id) FROM events)'
    ).fetchone()
    if low is None:
        return
    first = max(low, high - keep + 1)
    if _used_bytes(connection) > max_bytes:
        first = max(first, low + (high - low + 1) // 4)
    with transaction(connection):
        connection.execute('DELETE FROM events WHERE id < ?', (first,))
        connection.execute(
            'DELETE FROM worker_state WHERE id < (SELECT max(id) - 100 FROM worker_state)'
        )


def _used_bytes(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        connection.execute(f'PRAGMA {name}').fetchone()[0]
        for name in ('page_count', 'freelist_count', 'page_size')
    )
    return int((pages - free) * size)


def count_events(path: str) -> int:
    """Return how many events a closed file holds, or 0 where that can not be told.

    Opening and closing it also brings in what a killed worker left in the write-ahead log.
    """
    connection = sqlite3.connect(path, timeout=0.1)
    try:
        (count,) = connection.execute('SELECT max(id) FROM events').fetchone()
        return int(count or 0)
    except sqlite3.Error:
        return 0
    finally:
        connection.close()
