"""Files that follow one another, each a database that any tool reads while it is written."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import structlog

from drakkar import readonly
from drakkar.recorder import sql
from drakkar.recorder.files import NewFile, WorkerFiles, remove
from drakkar.recorder.rows import Row
from drakkar.recorder.settings import RecorderSettings
from drakkar.recorder.stores import InThread, Store
from drakkar.recorder.unfinished import sweep
from drakkar.sqlite import Database, DatabaseError

log = structlog.get_logger('drakkar.recorder')

T = TypeVar('T')

# Readers share a few threads: a question that takes longer is given up.
READ_SECONDS = 10.0
# Before a new file is tried again where the old one still works.
_ROTATION_RETRY_SECONDS = 60.0


class _OpenFile:
    """One file of the store, while it is written to."""

    def __init__(self, file: NewFile, settings: RecorderSettings) -> None:
        self.path = file.path
        self.rows = 0
        self._file = file
        self._full = settings.rotation_events
        self._due_at = time.monotonic() + settings.rotation_seconds
        self._database = Database(
            file.path, fsync=False, busy_seconds=settings.busy_seconds, pragmas=sql.PRAGMAS
        )

    def open(self, identity: Mapping[str, str]) -> None:
        self._database.open()
        self._database.run(sql.create_tables, self._database.orm)
        self.write((), identity, None)

    @property
    def is_due(self) -> bool:
        return time.monotonic() >= self._due_at or bool(self._full and self.rows >= self._full)

    def postpone(self) -> None:
        """Go on with this file for now."""
        self._full = 0
        self._due_at = time.monotonic() + _ROTATION_RETRY_SECONDS

    def write(self, *args: Any) -> int:
        return self._database.run(self._write_in_thread, *args)

    def _write_in_thread(
        self, connection: sqlite3.Connection, rows: Sequence[Row], *args: Any
    ) -> int:
        # SQLite would go on writing into a file that has no name any more.
        problem = self._file.problem()
        if problem:
            raise DatabaseError(f'{self.path}: {problem}')
        unwritable = sql.write(connection, rows, *args)
        self.rows += len(rows)
        return unwritable

    def close(self) -> None:
        """Close it, whose log becomes part of it."""
        self._database.close()
        self._file.close()


class FileStore(Store):
    """Files `<worker>-<time>.db` in `db_dir`, with a link `<worker>-live.db` to the current one.

    Everything that touches the disk runs by `in_thread` or in a database's own thread.
    """

    def __init__(self, settings: RecorderSettings, worker: str, in_thread: InThread) -> None:
        assert settings.db_dir is not None
        self._settings = settings
        self._in_thread = in_thread
        self._files = WorkerFiles(settings.db_dir, worker, time.time)
        self._current: _OpenFile | None = None
        self._twin_told = False

    @property
    def path(self) -> Path | None:
        return self._current.path if self._current else None

    @property
    def is_open(self) -> bool:
        return self._current is not None

    def open(self, identity: Mapping[str, str]) -> None:
        new = self._in_thread(self._files.create)
        file = _OpenFile(new, self._settings)
        try:
            file.open(identity)  # who follows the link must find who it is
            self._in_thread(self._files.point_to, file.path)
        except BaseException:
            file.close()
            # A file that never became one must not stay: with a full disk there would be many.
            self._in_thread(remove, file.path)
            raise
        self._current = file
        self._tell_twin()
        self._expire()

    def rotate_if_due(self, identity: Mapping[str, str]) -> None:
        old = self._current
        if old is None or not old.is_due:
            return
        try:
            self.open(identity)
        except (DatabaseError, OSError) as error:
            log.warning('recorder_rotation_failed', error=str(error), file=str(old.path))
            old.postpone()
        else:
            old.close()

    def write(
        self,
        rows: Sequence[Row],
        identity: Mapping[str, str] | None,
        state: tuple[float, str] | None,
    ) -> int:
        if self._current is None:
            raise DatabaseError(f'{self._settings.db_dir}: no file is open')
        return self._current.write(rows, identity, state)

    def read(self, fn: Callable[..., T], *args: Any) -> T:
        path = self.path
        if path is None:
            raise DatabaseError(f'{self._settings.db_dir}: nothing is being recorded')

        def work() -> T:
            with readonly.reading(path, time.monotonic() + READ_SECONDS) as connection:
                return fn(connection, *args)

        return readonly.in_thread(work)

    def close(self) -> None:
        current, self._current = self._current, None
        if current is not None:
            current.close()

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
        self._in_thread(sweep, settings.db_dir)
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
