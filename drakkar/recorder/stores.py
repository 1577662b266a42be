"""Where rows go: files that follow one another, or a database in memory."""

from __future__ import annotations

import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import structlog

from drakkar import readonly
from drakkar.recorder import sql
from drakkar.recorder.files import WorkerFiles, identity_of, remove
from drakkar.recorder.rows import Row
from drakkar.recorder.settings import RecorderSettings
from drakkar.sqlite import Database, DatabaseError

log = structlog.get_logger('drakkar.recorder')

T = TypeVar('T')

# Run a function in the recorder's native thread.
InThread = Callable[..., Any]


class Store(ABC):
    """Holds the tables. Used by one greenlet, but for `read`, which any may call."""

    path: Path | None = None

    @abstractmethod
    def open(self) -> None:
        """Be ready to write. Raises DatabaseError or OSError; then it is closed."""

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

    @property
    def is_due(self) -> bool:
        """Whether it is time for another file."""
        return False


class FileStore(Store):
    """Files `<worker>-<time>.db` in `db_dir`, one after the other."""

    def __init__(self, settings: RecorderSettings, worker: str, in_thread: InThread) -> None:
        assert settings.db_dir is not None
        self._settings = settings
        self._in_thread = in_thread
        self._files = WorkerFiles(settings.db_dir, worker, time.time)
        self._database: Database | None = None
        self._file: tuple[int, int] | None = None
        self._opened_at = 0.0
        self._rows = 0
        self._twin_told = False

    @property
    def is_open(self) -> bool:
        return self._database is not None

    @property
    def is_due(self) -> bool:
        full = self._settings.rotation_events
        return time.monotonic() - self._opened_at >= self._settings.rotation_seconds or bool(
            full and self._rows >= full
        )

    def open(self) -> None:
        path = self._in_thread(self._files.create)
        database = Database(path, fsync=False, busy_seconds=self._settings.busy_seconds)
        try:
            database.open()
            database.run(sql.create_tables, database.orm)
            self._in_thread(self._files.point_to, path)
        except BaseException:
            database.close()
            # A file that never became one must not stay: with a full disk there would be many.
            self._in_thread(remove, path)
            raise
        self.path, self._database = path, database
        self._file = self._in_thread(identity_of, path)
        self._opened_at, self._rows = time.monotonic(), 0
        self._tell_twin()
        self._expire()

    def write(
        self,
        rows: Sequence[Row],
        identity: Mapping[str, str] | None,
        state: tuple[float, str] | None,
    ) -> int:
        if self._database is None:
            raise DatabaseError(f'{self._settings.db_dir}: no file is open')
        unwritable = self._database.run(self._write_in_thread, rows, identity, state)
        self._rows += len(rows)
        return unwritable

    def _write_in_thread(self, connection: sqlite3.Connection, *args: Any) -> int:
        # SQLite would go on writing into a file that has no name any more.
        assert self.path is not None
        if identity_of(self.path) != self._file:
            raise DatabaseError(f'{self.path}: was moved or deleted while it was written to')
        return sql.write(connection, *args)

    def read(self, fn: Callable[..., T], *args: Any) -> T:
        path = self.path
        if path is None:
            raise DatabaseError(f'{self._settings.db_dir}: nothing is being recorded')

        def work() -> T:
            with readonly.reading(path) as connection:
                return fn(connection, *args)

        return readonly.in_thread(work)

    def close(self) -> None:
        """Close the file, whose log becomes part of it."""
        database, self._database = self._database, None
        if database is not None:
            database.close()

    def retire(self) -> None:
        self.close()
        self._in_thread(self._files.clear_link)

    def _tell_twin(self) -> None:
        if self._files.has_twin and not self._twin_told:
            log.warning(
                'recorder_name_taken',
                hint='another worker of this name records here; give each worker its own name',
                file=str(self.path),
            )
        self._twin_told = self._files.has_twin

    def _expire(self) -> None:
        settings = self._settings
        try:
            deleted = self._in_thread(
                self._files.expire,
                self.path,
                settings.retention_seconds,
                settings.retention_events,
            )
        except OSError as error:
            log.warning('recorder_retention_failed', error=str(error))
            return
        if deleted:
            log.info('recorder_files_deleted', files=deleted)


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

    def open(self) -> None:
        database = Database(':memory:', fsync=False)
        database.open()
        database.run(sql.create_tables, database.orm)
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
