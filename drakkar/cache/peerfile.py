"""One look into a peer's file. Blocking: for a native thread; it trusts nothing that it reads."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from drakkar.cache import sql
from drakkar.cache.encoding import decode
from drakkar.cache.entry import Entry
from drakkar.cache.naming import SUFFIX
from drakkar.cache.store import OtherFormatError
from drakkar.readonly import UnreadableError, is_closed, reading

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Position:
    """How far a file is known: its generation, and the number of its last known change."""

    generation: str = ''
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Some changes of a peer's file, the place after them, and whether there are more.

    `damaged` rows can not be used; `stale` files have missed deletions and are not read, and
    nobody will come back to those that are `abandoned`.
    """

    worker: str = ''
    cluster: str = ''
    position: Position = field(default_factory=Position)
    entries: list[Entry] = field(default_factory=list)
    more: bool = False
    damaged: int = 0
    stale: bool = False
    abandoned: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """What is the same for all peers of a worker. Times are seconds since the epoch."""

    cluster: str
    rows: int
    stale_seconds: float
    network_folder: bool

    def read(self, path: Path, known: Position, now: float, deadline: float) -> Batch:
        """Return the changes after `known`; `deadline` is of `time.monotonic`.

        Raises UnreadableError, OutOfTimeError among them, or OtherFormatError.
        """
        for _ in range(_ATTEMPTS):
            before = _state(path)
            with reading(path, deadline, wal=not self.network_folder) as db:
                if sql.file_format(db) != sql.FORMAT:
                    raise OtherFormatError(
                        f'{path.name}: has format {sql.file_format(db)}, not {sql.FORMAT}'
                    )
                # One transaction, so that the number of the last change fits to the rows.
                db.execute('BEGIN')
                batch = self._read(db, known, now)
            # A file without a write-ahead log, or one whose log can not be shared, is read without
            # locks: what changed meanwhile may be half of this and half of that.
            if self.network_folder or _state(path) == before:
                return batch
        raise UnreadableError(f'{path.name}: changed each time that it was read')

    def _read(self, db: sqlite3.Connection, known: Position, now: float) -> Batch:
        meta = sql.read_meta(db)
        try:
            worker, cluster = str(meta['worker']), str(meta['cluster'])
            generation, last = str(meta['generation']), int(meta['seq'])
            missed = now - float(meta['alive_at'])
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            raise UnreadableError(f'it does not say who wrote it ({error})') from error
        if missed > self.stale_seconds:
            abandoned = meta.get('temporary') == 1
            return Batch(worker, cluster, known, stale=True, abandoned=abandoned)
        seq = known.seq if known.generation == generation and known.seq <= last else 0
        scopes = '' if cluster == self.cluster else "AND scope = 'global'"
        rows = db.execute(
            f"SELECT {sql.COLUMNS}, seq FROM cache_entries WHERE scope <> 'local' {scopes} "
            'AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?',
            (seq, last, self.rows),
        ).fetchall()
        entries = [entry for entry in map(_entry, rows) if entry is not None]
        more = len(rows) >= self.rows
        return Batch(
            worker,
            cluster,
            Position(generation, rows[-1]['seq'] if more else last),
            entries,
            more,
            damaged=len(rows) - len(entries),
        )


@dataclass(frozen=True, slots=True)
class _State:
    """What changes when a file is opened or written to."""

    closed: bool
    inode: int
    size: int
    modified: int


def _state(path: Path) -> _State:
    try:
        status = path.stat()
    except OSError as error:
        raise UnreadableError(f'{path.name}: {error.strerror}') from error
    return _State(is_closed(path), status.st_ino, status.st_size, status.st_mtime_ns)


def _entry(row: sqlite3.Row) -> Entry | None:
    """Return the entry of a row; None for one that no worker would write."""
    entry = sql.as_entry(row[:-1])
    if entry is not None and not entry.deleted:
        try:
            decode(entry.json)
        except ValueError:
            return None
    return entry


def find_files(folder: Path, own: Path) -> list[Path]:
    """Return the files of other workers in `folder`, by name. Raises UnreadableError."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(
                e.name
                for e in entries
                if e.name.endswith(SUFFIX) and e.is_file(follow_symlinks=False)
            )
    except OSError as error:
        raise UnreadableError(f'{folder}: {error.strerror}') from error
    return [folder / name for name in names if name != own.name]
