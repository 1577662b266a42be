"""Where rows go: what a store is, and the one in memory. For files see filestore.py."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from drakkar.recorder import sql
from drakkar.recorder.rows import Row
from drakkar.recorder.settings import RecorderSettings
from drakkar.sqlite import Database, DatabaseError

T = TypeVar('T')

# Run a function in the recorder's native thread.
InThread = Callable[..., Any]


class Store(ABC):
    """Holds the tables. Used by one greenlet, but for `read` and `path`, which any may use."""

    @property
    def path(self) -> Path | None:
        """The file that is written to; None where there is none."""
        return None

    @abstractmethod
    def open(self, identity: Mapping[str, str]) -> None:
        """Write `identity`, be ready for more. Raises DatabaseError or OSError, closed then."""

    @abstractmethod
    def write(
        self,
        rows: Sequence[Row],
        identity: Mapping[str, str] | None,
        state: tuple[float, str] | None,
    ) -> int:
        """Write all or nothing; return how many rows no database would take.

        Raises DatabaseError or OSError.
        """

    @abstractmethod
    def read(self, fn: Callable[..., T], *args: Any) -> T:
        """Return `fn(connection, *args)` over what is written; the connection only reads."""

    @abstractmethod
    def close(self) -> None:
        """Close what is open. Never raises for the state of a disk."""

    def retire(self) -> None:
        """Close for good: nobody records under this name any more."""
        self.close()

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """Whether `write` may be called."""

    def rotate_if_due(self, identity: Mapping[str, str]) -> None:  # noqa: B027 - memory has nothing to do
        """Go on in a new file where it is time for one, and in the old one where that fails."""


class MemoryStore(Store):
    """The last rows, in memory; readers share the one connection and its thread."""

    # Outputs may be large, so rows are bounded by their size too.
    MAX_BYTES = 128 << 20

    def __init__(self, settings: RecorderSettings) -> None:
        self._keep = settings.max_buffer
        self._database: Database | None = None

    @property
    def is_open(self) -> bool:
        return self._database is not None

    def open(self, identity: Mapping[str, str]) -> None:
        database = Database(':memory:', fsync=False)
        database.open()
        database.run(sql.create_tables, database.orm)
        database.run(sql.write, (), identity)
        self._database = database

    def write(
        self,
        rows: Sequence[Row],
        identity: Mapping[str, str] | None,
        state: tuple[float, str] | None,
    ) -> int:
        return self._opened().run(self._write_in_thread, rows, identity, state)

    def _write_in_thread(self, connection: sqlite3.Connection, *args: Any) -> int:
        unwritable = sql.write(connection, *args)
        sql.forget(connection, self._keep, self.MAX_BYTES)
        return unwritable

    def read(self, fn: Callable[..., T], *args: Any) -> T:
        return self._opened().run(_reading, fn, args)

    def close(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            database.close()

    def _opened(self) -> Database:
        if self._database is None:
            raise DatabaseError('the recorder is closed')
        return self._database


def _reading(connection: sqlite3.Connection, fn: Callable[..., T], args: tuple[Any, ...]) -> T:
    connection.execute('PRAGMA query_only = ON')
    connection.row_factory = sqlite3.Row
    try:
        return fn(connection, *args)
    finally:
        connection.row_factory = None
        connection.execute('PRAGMA query_only = OFF')
