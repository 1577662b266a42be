"""Copies of recorder files that are still written to, made to be taken away."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import gevent
from gevent.lock import BoundedSemaphore

from drakkar.errors import DrakkarError
from drakkar.readonly import in_thread, reading

PATIENCE_SECONDS = 10.0


class TooLargeError(DrakkarError):
    """A copy would be larger than allowed, or than what is free."""


class CopyingError(DrakkarError):
    """Another copy is being made, which may take long."""


class Copier:
    """Makes copies one after the other: each keeps one of the few threads that read."""

    def __init__(self) -> None:
        self._turn = BoundedSemaphore(1)

    def copy(self, path: Path, size: int) -> Path:
        """Return a temporary file with all that `path`, of `size` bytes, holds now.

        It belongs to the caller. Raises CopyingError, TooLargeError, UnreadableError.
        """
        with gevent.Timeout(
            PATIENCE_SECONDS, CopyingError('another copy is being made; try again later')
        ):
            self._turn.acquire()
        try:
            free = shutil.disk_usage(tempfile.gettempdir()).free
            if free < size:
                raise TooLargeError(
                    f'a copy of {path.name} needs {size:,} bytes, {free:,} are free'
                )
            return _copied(path)
        finally:
            self._turn.release()


def _copied(path: Path) -> Path:
    handle, name = tempfile.mkstemp(prefix='drakkar-copy-', suffix='.db')
    os.close(handle)
    target, wanted = Path(name), [True]
    try:
        in_thread(_snapshot_if, wanted, path, target)
    except BaseException:  # where the caller is killed, the thread may only have begun
        wanted.clear()
        target.unlink(missing_ok=True)
        raise
    return target


def _snapshot_if(wanted: list[bool], path: Path, target: Path) -> None:
    if wanted:
        snapshot(path, target)
    if not wanted:  # SQLite may have made the file anew
        target.unlink(missing_ok=True)


def snapshot(path: Path, target: Path) -> None:
    """Write a consistent copy of a database that may be written to. For native threads.

    Raises UnreadableError.
    """
    with reading(path) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
        # The copy has its log in itself: it opens anywhere, read-only folders too.
        copy.execute('PRAGMA journal_mode=delete')
