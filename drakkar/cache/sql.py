"""The file's tables and statements. Blocking: for native threads."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from drakkar.cache.clock import MAX_STAMP
from drakkar.cache.entry import Entry
from drakkar.contracts.cache import Scope

FORMAT = 1

# `seq` numbers the changes of this file: peers read on from the last that they know.
_TABLES = """
CREATE TABLE IF NOT EXISTS cache_entries (
    key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL, scope TEXT NOT NULL, expires_at REAL,
    stamp INTEGER NOT NULL, origin TEXT NOT NULL, deleted INTEGER NOT NULL, seq INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS cache_shared ON cache_entries (seq) WHERE scope <> 'local';
CREATE INDEX IF NOT EXISTS cache_expiry ON cache_entries (expires_at)
    WHERE expires_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS cache_meta (key TEXT PRIMARY KEY NOT NULL, value NOT NULL);
CREATE TABLE IF NOT EXISTS cache_cursors (
    peer TEXT PRIMARY KEY NOT NULL, generation TEXT NOT NULL, seq INTEGER NOT NULL
);
"""
COLUMNS = 'key, value, scope, expires_at, stamp, origin, deleted'
# The newest wins, whoever writes it and in which order it comes: Entry.rank.
_UPSERT = f"""
INSERT INTO cache_entries ({COLUMNS}, seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, scope = excluded.scope,
    expires_at = excluded.expires_at, stamp = excluded.stamp, origin = excluded.origin,
    deleted = excluded.deleted, seq = excluded.seq
WHERE (excluded.stamp, excluded.origin, excluded.deleted, excluded.value)
    > (cache_entries.stamp, cache_entries.origin, cache_entries.deleted, cache_entries.value)
"""
_CLEANUP_ROWS = 1000
_SCOPES = [scope.value for scope in Scope]


def create_tables(connection: sqlite3.Connection) -> None:
    """Make what is missing; the file says which format it has."""
    for statement in _TABLES.split(';'):
        connection.execute(statement)
    connection.execute(f'PRAGMA user_version = {FORMAT}')


def file_format(connection: sqlite3.Connection) -> int:
    """Return the format of the file, 0 for one without tables."""
    return int(connection.execute('PRAGMA user_version').fetchone()[0])


def is_empty(connection: sqlite3.Connection) -> bool:
    return not connection.execute('SELECT count(*) FROM sqlite_master').fetchone()[0]


def read_meta(connection: sqlite3.Connection) -> dict[str, Any]:
    """Return what the file says of itself."""
    return dict(connection.execute('SELECT key, value FROM cache_meta').fetchall())


def write_meta(connection: sqlite3.Connection, values: dict[str, Any]) -> None:
    connection.executemany(
        'INSERT INTO cache_meta VALUES (?, ?) '
        'ON CONFLICT (key) DO UPDATE SET value = excluded.value',
        list(values.items()),
    )


def as_entry(row: Sequence[Any]) -> Entry | None:
    """Return the entry of a row of COLUMNS; None for one that no worker would write."""
    key, value, scope, expires_at, stamp, origin, deleted = row
    if not all(isinstance(text, str) for text in (key, value, scope, origin)):
        return None
    if not isinstance(stamp, int) or not 0 < stamp < MAX_STAMP:
        return None
    if not isinstance(expires_at, (int, float) if deleted else (int, float, type(None))):
        return None
    try:
        return Entry(key, value, Scope(scope), expires_at, stamp, origin, bool(deleted))
    except ValueError:
        return None


def last_stamp(connection: sqlite3.Connection) -> int:
    """Return the latest stamp of all entries, 0 without one."""
    found = connection.execute(
        "SELECT max(stamp) FROM cache_entries WHERE typeof(stamp) = 'integer' AND stamp < ?",
        (MAX_STAMP,),
    ).fetchone()[0]
    return int(found or 0)


def find(connection: sqlite3.Connection, key: str) -> Entry | None:
    """Return the entry of a key, whatever became of it; None where it is damaged."""
    row = connection.execute(
        f'SELECT {COLUMNS} FROM cache_entries WHERE key = ?', (key,)
    ).fetchone()
    return None if row is None else as_entry(row)


def upsert(connection: sqlite3.Connection, entries: Iterable[Entry]) -> int:
    """Write those entries that are newer than what is there; return how many were.

    Inside of a transaction.
    """
    seq = connection.execute("SELECT value FROM cache_meta WHERE key = 'seq'").fetchone()[0]
    rows = []
    for entry in entries:
        scope = entry.scope or _scope_of(connection, entry.key)
        if scope is None:
            continue  # the deletion of what never was
        seq += 1
        rows.append(
            (
                entry.key,
                entry.json,
                scope.value,
                entry.expires_at,
                entry.stamp,
                entry.origin,
                int(entry.deleted),
                seq,
            )
        )
    written = connection.executemany(_UPSERT, rows).rowcount
    write_meta(connection, {'seq': seq})
    return max(0, written)


def _scope_of(connection: sqlite3.Connection, key: str) -> Scope | None:
    row = connection.execute('SELECT scope FROM cache_entries WHERE key = ?', (key,)).fetchone()
    return Scope(row[0]) if row is not None and row[0] in _SCOPES else None


def clean(connection: sqlite3.Connection, now: float, tombstone_seconds: float) -> bool:
    """Remove some of what has expired; return whether there may be more.

    Shared values become deletions of the same age first: a peer that missed the newer value
    must not bring an older one back.
    """
    local = connection.execute(
        'DELETE FROM cache_entries WHERE rowid IN (SELECT rowid FROM cache_entries '
        "WHERE expires_at <= ? AND (deleted OR scope = 'local') LIMIT ?)",
        (now, _CLEANUP_ROWS),
    ).rowcount
    shared = connection.execute(
        "UPDATE cache_entries SET value = '', deleted = 1, expires_at = expires_at + ? "
        'WHERE rowid IN (SELECT rowid FROM cache_entries '
        "WHERE expires_at <= ? AND NOT deleted AND scope <> 'local' LIMIT ?)",
        (tombstone_seconds, now, _CLEANUP_ROWS),
    ).rowcount
    return max(local, shared) >= _CLEANUP_ROWS


def count(connection: sqlite3.Connection) -> int:
    """Return how many entries there are, deletions not counted."""
    total: int = connection.execute(
        'SELECT count(*) FROM cache_entries WHERE NOT deleted'
    ).fetchone()[0]
    return total


def drop_shared(connection: sqlite3.Connection) -> None:
    """Forget what came from or went to peers, and how far their files were read."""
    connection.execute("DELETE FROM cache_entries WHERE scope <> 'local'")
    connection.execute('DELETE FROM cache_cursors')


def drop_cluster(connection: sqlite3.Connection) -> None:
    """Forget what is of one cluster only, and how far peers' files were read for it."""
    connection.execute("DELETE FROM cache_entries WHERE scope = 'cluster'")
    connection.execute('DELETE FROM cache_cursors')


def cursor_of(connection: sqlite3.Connection, peer: str) -> tuple[str, int]:
    """Return the generation of a peer's file and the last change of it that is known here."""
    row = connection.execute(
        'SELECT generation, seq FROM cache_cursors WHERE peer = ?', (peer,)
    ).fetchone()
    return row or ('', 0)


def keep_cursors(connection: sqlite3.Connection, peers: Iterable[str]) -> None:
    """Forget the cursors of others than `peers`."""
    gone = {peer for (peer,) in connection.execute('SELECT peer FROM cache_cursors')} - set(peers)
    connection.executemany('DELETE FROM cache_cursors WHERE peer = ?', [(peer,) for peer in gone])


def move_cursor(connection: sqlite3.Connection, peer: str, generation: str, seq: int) -> None:
    connection.execute(
        'INSERT INTO cache_cursors VALUES (?, ?, ?) ON CONFLICT (peer) DO UPDATE '
        'SET generation = excluded.generation, seq = excluded.seq',
        (peer, generation, seq),
    )
