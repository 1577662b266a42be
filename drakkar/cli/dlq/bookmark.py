"""Remembers durably which messages were replayed, so that a replay can go on where it stopped.

A message counts as done for every letter that was stored when the run began which
replayed it. A letter that came later is a new failure: its message is replayed
again. No clock has a say in that, only places in the queue.
"""

from __future__ import annotations

import enum
import fcntl
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from drakkar.contracts.source import StoredLetter, StreamEnd
from drakkar.errors import DrakkarError
from drakkar.sqlite import Database, transaction

_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (id INTEGER PRIMARY KEY AUTOINCREMENT, started TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS ends (
    run INTEGER NOT NULL, stream TEXT NOT NULL, number INTEGER NOT NULL, generation TEXT NOT NULL,
    PRIMARY KEY (run, stream)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS replayed (
    target TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL,
    run INTEGER NOT NULL,
    PRIMARY KEY (target, topic, partition, offset)
) WITHOUT ROWID;
"""
_FIND = """
SELECT replayed.run, ends.number, ends.generation
FROM replayed LEFT JOIN ends ON ends.run = replayed.run AND ends.stream = ?
WHERE target = ? AND topic = ? AND partition = ? AND offset = ?
"""


class Place(NamedTuple):
    """Where a message came from, and the topic it is replayed to."""

    target: str
    topic: str
    partition: int
    offset: int


class Done(enum.Enum):
    """Whether a letter's message was replayed: not yet, by an earlier run, or by this one."""

    NO = 'no'
    BEFORE = 'before'
    NOW = 'now'


class Bookmark:
    """The memory of replays, in one SQLite file; made by `open_bookmark` or `scratch_copy`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ends: Mapping[str, StreamEnd] = {}
        self._run = 0
        self._again = False

    def begin(self, ends: Mapping[str, StreamEnd], *, again: bool = False) -> None:
        """Begin a run over all letters before `ends`; `again` forgets what earlier runs did."""
        self._ends, self._again = ends, again
        self._run = self._database.run(_begin, ends)

    def look_up(self, letters: Sequence[tuple[Place, StoredLetter]]) -> list[Done]:
        """Return of each letter whether its message was replayed."""
        return self._database.run(self._find, letters)

    def add(self, places: Iterable[Place]) -> None:
        """Remember messages as replayed; durable on return."""
        self._database.run(_add, [(*place, self._run) for place in places])

    def _find(
        self, connection: sqlite3.Connection, letters: Sequence[tuple[Place, StoredLetter]]
    ) -> list[Done]:
        return [
            self._judge(stored, connection.execute(_FIND, (stored.stream, *place)).fetchone())
            for place, stored in letters
        ]

    def _judge(self, stored: StoredLetter, row: tuple[int, int | None, str | None] | None) -> Done:
        if row is None:
            return Done.NO
        run, number, generation = row
        if run == self._run:
            return Done.NOW
        if self._again or number is None or stored.number >= number:
            return Done.NO
        same = self._ends[stored.stream].generation == generation
        return Done.BEFORE if same else Done.NO


def _begin(connection: sqlite3.Connection, ends: Mapping[str, StreamEnd]) -> int:
    with transaction(connection):
        cursor = connection.execute("INSERT INTO runs (started) VALUES (datetime('now'))")
        run = cursor.lastrowid
        assert run is not None
        connection.executemany(
            'INSERT INTO ends VALUES (?, ?, ?, ?)',
            [(run, stream, end.number, end.generation) for stream, end in ends.items()],
        )
    return run


def _add(connection: sqlite3.Connection, rows: Sequence[tuple[object, ...]]) -> None:
    with transaction(connection):
        connection.executemany('INSERT OR REPLACE INTO replayed VALUES (?, ?, ?, ?, ?)', rows)


@contextmanager
def open_bookmark(path: Path) -> Iterator[Bookmark]:
    """Open or create the bookmark in `path`, for this process alone.

    Raises DrakkarError when another replay uses it, or it can not be used.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(f'{path}.lock', os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise DrakkarError(f'bookmark {path}: {error.strerror}') from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DrakkarError(f'bookmark {path}: another replay is running with it') from None
        with _opened(path) as database:
            yield Bookmark(database)
    finally:
        os.close(lock)


@contextmanager
def scratch_copy(path: Path) -> Iterator[Bookmark]:
    """Open a copy of the bookmark that is thrown away, for a look ahead; `path` may not exist."""
    with (
        tempfile.TemporaryDirectory(prefix='drakkar-dlq-') as folder,
        _opened(Path(folder) / 'copy.db', fsync=False) as database,
    ):
        if path.exists():
            database.run(_copy_from, path)
            database.run(_create)
        yield Bookmark(database)


@contextmanager
def _opened(path: Path, *, fsync: bool = True) -> Iterator[Database]:
    database = Database(path, fsync=fsync)
    database.open()
    try:
        database.run(_create)
        yield database
    finally:
        database.close()


def _create(connection: sqlite3.Connection) -> None:
    connection.executescript(_SCHEMA)


def _copy_from(connection: sqlite3.Connection, path: Path) -> None:
    source = sqlite3.connect(f'{path.absolute().as_uri()}?mode=ro', uri=True)
    try:
        source.backup(connection)
    finally:
        source.close()
