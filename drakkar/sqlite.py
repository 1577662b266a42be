"""One SQLite database whose every statement runs in one native thread.

The hub only ever waits: SQLite's locks, fsync and page reads happen beside it.
A connection is used by its thread alone, so nothing here needs a lock.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import gevent
import peewee
from gevent.threadpool import ThreadPool

from drakkar.errors import DrakkarError

T = TypeVar('T')

_OPEN_RETRY_SECONDS = 0.05
# How large the write-ahead log may stay on disk after a burst.
_WAL_LIMIT_BYTES = 64 << 20


class DatabaseError(DrakkarError):
    """A statement failed; the text names the file and what would be right."""

    retriable = True


class Database:
    """A database file in WAL mode, opened by `open` and used through `run`.

    `fsync` makes a commit survive power loss (synchronous=FULL); without it a
    commit still survives the death of the process. `busy_seconds` is how long a
    statement waits for another process's write lock. `pragmas` are set on top.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        fsync: bool = True,
        busy_seconds: float = 5.0,
        pragmas: Mapping[str, Any] | None = None,
    ) -> None:
        self.path = Path(path)
        self._busy_seconds = busy_seconds
        given = dict(pragmas or {})
        # peewee's own thread-local state would be gevent's in a patched process and is not
        # needed here: there is one connection and one thread.
        self.orm = peewee.SqliteDatabase(
            str(self.path),
            pragmas={
                **given,  # in this order, since the log fixes the size of pages
                'journal_mode': 'wal',
                'synchronous': 'full' if fsync else 'normal',
                'journal_size_limit': _WAL_LIMIT_BYTES,
                **given,
            },
            timeout=busy_seconds,
            thread_safe=False,
            autoconnect=False,
            check_same_thread=False,
        )
        self._pool: ThreadPool | None = None

    def open(self) -> None:
        """Create or open the file. Raises DatabaseError; then nothing is left open."""
        if self._pool is not None:
            return
        self._pool = ThreadPool(1)
        try:
            self._connect()
        except BaseException:
            self.close()
            raise

    def _connect(self) -> None:
        # Switching a new file to WAL does not wait for a lock as other statements do, so two
        # processes that create it at the same moment have to try again.
        deadline = monotonic() + self._busy_seconds
        while True:
            try:
                self._submit(self._connect_in_thread)
                return
            except (sqlite3.Error, peewee.PeeweeException) as error:
                if 'locked' not in str(error) or monotonic() >= deadline:
                    raise self._explained(error) from error
            gevent.sleep(_OPEN_RETRY_SECONDS)

    def _connect_in_thread(self) -> None:
        self.orm.connect(reuse_if_open=True)
        # Reads the first page: a file that is no database is refused here, not later.
        self.orm.connection().execute('SELECT count(*) FROM sqlite_master').fetchone()

    def run(self, fn: Callable[..., T], *args: Any) -> T:
        """Return `fn(connection, *args)` as run in the native thread, waiting cooperatively.

        Raises DatabaseError for errors of SQLite, and what else `fn` raises. A
        caller that is killed while it waits does not stop `fn`.
        """
        if self._pool is None:
            raise DatabaseError(f'{self.path}: the database is closed')
        try:
            return self._submit(self._run_in_thread, fn, args)
        except (sqlite3.Error, peewee.PeeweeException) as error:
            raise self._explained(error) from error

    def _run_in_thread(self, fn: Callable[..., T], args: tuple[Any, ...]) -> T:
        connection = self.orm.connection()
        try:
            return fn(connection, *args)
        finally:
            # A function that forgot its transaction must not hand it to the next one.
            if connection.in_transaction:
                connection.rollback()

    def _submit(self, fn: Callable[..., T], *args: Any) -> T:
        assert self._pool is not None
        value, error = self._pool.apply(_caught, (fn, args))
        if error is not None:
            raise error
        return value

    def close(self) -> None:
        """Finish what was submitted and close the file. May be called twice."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            # The pool is served first come, first served: this is the last one.
            pool.apply(_caught, (self.orm.close, ()))
        finally:
            pool.kill()

    def _explained(self, error: BaseException) -> DatabaseError:
        return DatabaseError(f'{self.path}: {_advice(self.path, str(error), self._busy_seconds)}')


def _caught(fn: Callable[..., T], args: tuple[Any, ...]) -> tuple[Any, BaseException | None]:
    # An exception that leaves a pool's thread is also printed by the hub, so it travels as a value.
    try:
        return fn(*args), None
    except Exception as error:
        return None, error


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """One write transaction: takes the write lock at once, all or nothing."""
    connection.execute('BEGIN IMMEDIATE')
    try:
        yield
        connection.execute('COMMIT')
    except BaseException:
        if connection.in_transaction:
            connection.execute('ROLLBACK')
        raise


def _advice(path: Path, text: str, busy_seconds: float) -> str:
    """Say what SQLite's message means here and what would be right."""
    if path.is_dir():
        return 'is a directory, expected a database file'
    if 'unable to open' in text:
        if not path.parent.is_dir():
            return f'the directory {path.parent} does not exist'
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            return 'can not be opened: this user may not write there'
        return 'can not be opened'
    if 'not a database' in text or 'malformed' in text:
        return f'is no SQLite database or is damaged ({text}); restore it or move it away'
    if 'is full' in text:
        return f'no space left for it ({text})'
    if 'readonly' in text:
        return 'is read-only for this user'
    if 'locked' in text:
        return f'another process has held its write lock for {busy_seconds:g} s'
    return text
