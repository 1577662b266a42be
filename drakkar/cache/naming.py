"""Whose a file is: no two processes write to one, and those that nobody needs are removed.

Blocking: for native threads.
"""

from __future__ import annotations

import fcntl
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

SUFFIX = '-cache.db'
_LOCK_SUFFIX = '-cache.lock'
_COMPANIONS = ('', '-wal', '-shm', '-journal', '-damaged')


class NameLock:
    """A lock beside a worker's file; the system drops it with the process, however it ends."""

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def take(cls, folder: Path, name: str) -> NameLock | None:
        """Return the lock of `name`, None where another process has it. Raises OSError.

        On a file system that knows no locks it holds nothing.
        """
        path = folder / f'{name}{_LOCK_SUFFIX}'
        while True:
            descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o640)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return None
            except OSError:
                os.close(descriptor)
                return cls(path, None)
            if _is_same(descriptor, path):
                return cls(path, descriptor)
            os.close(descriptor)  # whoever had it has just removed it

    @property
    def is_held(self) -> bool:
        return self._descriptor is not None

    def release(self) -> None:
        """Give the name back and leave nothing behind. May be called twice."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            if _is_same(descriptor, self._path):
                self._path.unlink(missing_ok=True)
            os.close(descriptor)


def take_name(folder: Path, worker: str) -> tuple[str, NameLock]:
    """Return `worker` and its lock, or a name made of it while another process has that one."""
    for name in _names(worker):
        lock = NameLock.take(folder, name)
        if lock is not None:
            return name, lock
    raise AssertionError('there is no end of names')


def _names(worker: str) -> Iterator[str]:
    # No worker's own name ends like that (drakkar.filenames).
    yield worker
    yield f'{worker}~{os.getpid()}'
    for number in itertools.count(2):
        yield f'{worker}~{os.getpid()}_{number}'


def remove_abandoned(path: Path) -> bool:
    """Delete the file at `path` and what belongs to it, unless a process has its name.

    Returns whether it is gone. Raises OSError.
    """
    lock = NameLock.take(path.parent, path.name.removesuffix(SUFFIX))
    if lock is None or not lock.is_held:
        return False
    try:
        for ending in _COMPANIONS:
            path.with_name(f'{path.name}{ending}').unlink(missing_ok=True)
    finally:
        lock.release()
    return True


def _is_same(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
