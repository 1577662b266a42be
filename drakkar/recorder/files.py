"""Names and life of recorder files: which are this worker's, which is current, which go.

Blocking: for the recorder's native thread.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from drakkar.filenames import safe_name
from drakkar.recorder.sql import count_events

_COMPANIONS = ('', '-wal', '-shm')
_HEADER = b'SQLite format 3\0'


class NewFile:
    """A database file and a descriptor of it, which sees what others do to the file.

    The descriptor must be closed after the database: the system drops all locks that
    a process has on a file with any of its descriptors.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    def problem(self) -> str:
        """Return why SQLite must not go on with this file, empty where it may."""
        mine = os.fstat(self._descriptor)
        try:
            there = self.path.stat()
        except FileNotFoundError:
            return 'was moved or deleted while it was written to'
        if (mine.st_dev, mine.st_ino) != (there.st_dev, there.st_ino):
            return 'was replaced while it was written to'
        if os.pread(self._descriptor, len(_HEADER), 0) != _HEADER:
            return 'was overwritten by something else'
        return ''

    def close(self) -> None:
        os.close(self._descriptor)


class WorkerFiles:
    """The files of one worker in `folder`.

    Where another process records under the same name, this one adds its process id,
    as in `worker~123-...`: neither takes the other's link or file away. The files of
    such a twin are deleted by whoever has the name.
    """

    def __init__(self, folder: Path, worker: str, now: Callable[[], float]) -> None:
        self.folder = folder
        self._worker = safe_name(worker)
        self._now = now
        self._lock: int | None = None
        self._counts: dict[str, int] = {}
        self._own = re.compile(
            re.escape(self._worker) + r'(~\d+)?-\d{4}-\d\d-\d\d__\d\d_\d\d_\d\d(_\d+)?\.db'
        )

    @property
    def name(self) -> str:
        """The worker's name in file names."""
        return self._worker if self._lock is not None else f'{self._worker}~{os.getpid()}'

    @property
    def link(self) -> Path:
        return self.folder / f'{self.name}-live.db'

    @property
    def has_twin(self) -> bool:
        """Whether another process has this worker's name."""
        return self._lock is None

    def create(self) -> NewFile:
        """Make the folder and an empty file with a name of its own. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._take_name()
        now = datetime.fromtimestamp(self._now(), timezone.utc)
        stem = f'{self.name}-{now:%Y-%m-%d__%H_%M_%S}'
        number = 1
        while True:
            path = self.folder / (f'{stem}.db' if number == 1 else f'{stem}_{number}.db')
            try:
                return NewFile(path, os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o640))
            except FileExistsError:
                number += 1

    def point_to(self, path: Path) -> None:
        """Let the live link name `path`, without a moment in which it names nothing."""
        fresh = self.folder / f'.{self.name}-live.{os.getpid()}'
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()
        fresh.symlink_to(path.name)
        os.replace(fresh, self.link)

    def clear_link(self) -> None:
        """Take the live link away: nobody records here any more. Gives the name back."""
        with contextlib.suppress(OSError):
            self.link.unlink()
        self._give_name_back()

    def expire(self, current: Path, seconds: float, events: int) -> list[str]:
        """Delete files that ended `seconds` ago, then the oldest above `events`; return names.

        For both, 0 is no limit. `current` and files that somebody's link names stay.
        """
        kept: list[tuple[float, Path, int]] = []
        deleted = []
        linked = self._linked()
        for path in self._closed(current):
            ended = _modified(path)
            if path.name in linked:
                continue
            if seconds and self._now() - ended > seconds:
                deleted.append(self._delete(path))
            else:
                kept.append((ended, path, self._count(path) if events else 0))
        kept.sort(reverse=True)
        total = 0
        for _, path, count in kept:
            total += count
            # The current file may grow to a quarter of all.
            if events and total > events - events // 4:
                deleted.append(self._delete(path))
        return deleted

    def _give_name_back(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def _take_name(self) -> None:
        path = self.folder / f'{self._worker}.lock'
        if self._lock is not None:
            if path.exists() and os.path.samestat(os.fstat(self._lock), path.stat()):
                return
            self._give_name_back()  # somebody emptied the folder: others would get the name too
        lock = os.open(path, os.O_CREAT | os.O_RDWR, 0o640)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
        else:
            self._lock = lock

    def _closed(self, current: Path) -> list[Path]:
        """Return this worker's files but the current one; links are none of them."""
        return [
            path
            for path in self.folder.iterdir()
            if self._own.fullmatch(path.name)
            and path.name != current.name
            and (self._lock is not None or path.name.startswith(f'{self.name}-'))
            and not path.is_symlink()
        ]

    def _linked(self) -> set[str]:
        found = set()
        for path in self.folder.glob('*-live.db'):
            with contextlib.suppress(OSError):
                found.add(os.path.basename(os.readlink(path)))
        return found

    def _count(self, path: Path) -> int:
        """Return the events of a closed file, counted once."""
        if path.name not in self._counts:
            self._counts[path.name] = count_events(str(path))
        return self._counts[path.name]

    def _delete(self, path: Path) -> str:
        remove(path)
        self._counts.pop(path.name, None)
        return path.name


def remove(path: Path) -> None:
    """Delete a database file with what belongs to it."""
    for ending in _COMPANIONS:
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + ending).unlink()


def _modified(path: Path) -> float:
    times = []
    for ending in ('', '-wal'):
        with contextlib.suppress(OSError):
            times.append(path.with_name(path.name + ending).stat().st_mtime)
    return max(times, default=0.0)
