"""Reads SQLite files that another process may be writing, in native threads; changes nothing."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from gevent.threadpool import ThreadPool

from drakkar.errors import DrakkarError

T = TypeVar('T')

# Apart from the threads of `offload`: a page that reads must not wait for a handler's work.
_THREADS = 3
_BUSY_SECONDS = 2.0
# SQLite asks so often (in its own instructions) whether the time is up.
_DEADLINE_STEPS = 20_000
_pool: ThreadPool | None = None


class UnreadableError(DrakkarError):
    """A file could not be read as a database; the text names it and says why."""


class OutOfTimeError(UnreadableError):
    """Reading took longer than it was given."""


def in_thread(fn: Callable[..., T], *args: Any) -> T:
    """Return `fn(*args)` as run in a native thread for readers, waiting cooperatively.

    Raises what `fn` raises. `fn` must not switch greenlets.
    """
    global _pool
    if _pool is None:  # made at first use, by the process that uses it
        _pool = ThreadPool(_THREADS)
    value, error = _pool.apply(_caught, (fn, args))
    if error is not None:
        raise error
    return value


def _caught(fn: Callable[..., T], args: tuple[Any, ...]) -> tuple[Any, BaseException | None]:
    # An exception that leaves a pool's thread is also printed by the hub, so it travels as a value.
    try:
        return fn(*args), None
    except BaseException as error:
        return None, error


@contextmanager
def reading(
    path: str | os.PathLike[str], deadline: float | None = None, *, wal: bool = True
) -> Iterator[sqlite3.Connection]:
    """Open `path` for reading; rows are `sqlite3.Row`. For native threads: it blocks.

    `deadline` (of `time.monotonic`) ends a statement that is still running then. With
    `wal=False` a file without a write-ahead log may be written to nevertheless.
    Raises UnreadableError for a file that is missing, damaged or no database, while
    it is used too, and OutOfTimeError past the deadline.
    """
    path = Path(path)
    try:
        connection = _open(path, wal)
        try:
            if deadline is not None:
                connection.set_progress_handler(_is_past(deadline), _DEADLINE_STEPS)
            yield connection
        finally:
            connection.close()
    except sqlite3.Error as error:
        if deadline is not None and 'interrupted' in str(error):
            raise OutOfTimeError(f'{path.name}: there was no time to read all of it') from error
        raise UnreadableError(f'{path.name}: {_reason(path, str(error))}') from error


def _is_past(deadline: float) -> Callable[[], bool]:
    return lambda: time.monotonic() > deadline


def address(path: Path, *, immutable: bool = False) -> str:
    """Return the URI that opens `path` for reading only."""
    return f'file:{quote(str(path))}?mode=ro' + ('&immutable=1' if immutable else '')


def is_closed(path: Path) -> bool:
    """Return whether no process has the recorder file at `path` open, to write or after a crash.

    A writer has its write-ahead log beside the file, and such files are never
    written to again once they are closed.
    """
    return not path.with_name(f'{path.name}-wal').exists()


def _open(path: Path, wal: bool) -> sqlite3.Connection:
    if not path.is_file():
        raise sqlite3.OperationalError('there is no such file')
    # Without a log there is nothing to share with a writer, and reading as "immutable" leaves no
    # new log behind and works in a folder that is read-only.
    if wal and is_closed(path):
        return _connect(path, immutable=True)
    try:
        return _connect(path, immutable=False)
    except sqlite3.OperationalError as error:
        if 'locked' in str(error):
            raise
        # The log of a copy on read-only storage can't be shared: what is in the file itself can.
        return _connect(path, immutable=True)


def _connect(path: Path, *, immutable: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(
        address(path, immutable=immutable),
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.row_factory = sqlite3.Row
        connection.execute('SELECT count(*) FROM sqlite_master').fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _reason(path: Path, text: str) -> str:
    if path.is_dir():
        return 'is a directory'
    if 'no such table' in text:
        return f'is no file of the flight recorder ({text})'
    if 'not a database' in text:
        return 'is no SQLite database'
    if 'malformed' in text:
        return f'is damaged ({text})'
    if 'unable to open' in text:
        return 'can not be opened for reading'
    return text
