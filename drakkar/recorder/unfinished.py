"""Files that are being made: hidden, locked by who makes them, and given a name in one step.

A process that is killed can not delete what it has begun, but its lock ends with it:
whoever comes next sees that nobody makes these files any more. Blocking: for native threads.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_NAME = re.compile(r'\.merge-[0-9a-f]{16}\.(part|stage)')
_MODE = 0o640  # as recorder files have, whose content it is
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


@contextmanager
def unfinished(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Give two files in `folder`, an empty one and the name of another; delete what is left.

    Raises OSError where nothing can be made there.
    """
    part, lock = _begin(folder)
    stage = part.with_suffix('.stage')
    try:
        yield part, stage
    finally:
        for path in (stage, part):  # in this order: no stage is ever without its part
            path.unlink(missing_ok=True)
        os.close(lock)


def _begin(folder: Path) -> tuple[Path, int]:
    while True:
        part = folder / f'.merge-{secrets.token_hex(8)}.part'
        lock = os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, _MODE)
        with contextlib.suppress(OSError):  # a file system without locks: then nobody sweeps
            fcntl.flock(lock, fcntl.LOCK_EX)
        if os.fstat(lock).st_nlink:
            return part, lock
        os.close(lock)  # it was swept before it was locked


def publish(part: Path, names: Iterable[Path]) -> Path:
    """Give `part` the first of `names` that is free, and return it; nothing is ever replaced.

    Two processes never get the same name. Raises FileExistsError where none is free.
    """
    for name in names:
        try:
            os.link(part, name)
        except FileExistsError:
            continue
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if not _renamed(part, name):
                continue
        return name
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def _renamed(part: Path, name: Path) -> bool:
    """Rename without replacing, where the file system has no links: one process at a time."""
    folder = os.open(name.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if os.path.lexists(name):
            return False
        part.rename(name)
        return True
    finally:
        fcntl.flock(folder, fcntl.LOCK_UN)  # under gevent a folder is closed some time later
        os.close(folder)


def sweep(folder: Path) -> None:
    """Delete what processes that were killed have left in `folder`."""
    with contextlib.suppress(OSError):
        for path in list(folder.glob('.merge-*')):
            if _NAME.fullmatch(path.name):
                _sweep(path)


def _sweep(path: Path) -> None:
    part = path.with_suffix('.part')
    with contextlib.suppress(OSError):  # somebody makes it, or it is another user's
        try:
            lock = os.open(part, os.O_RDWR)
        except FileNotFoundError:
            path.unlink(missing_ok=True)
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.with_suffix('.stage').unlink(missing_ok=True)
            part.unlink(missing_ok=True)
        finally:
            os.close(lock)
