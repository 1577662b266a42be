"""Tells at once that a member's process has died, without waiting for its lease.

Each member holds a lock on a file of its own. The kernel drops the lock with the
process, however it ends, and in whatever container it ran. Who can take the
lock knows that the member is gone. It is a short cut only: where files can not
be locked, and for a process that is stopped but not dead, the lease decides.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path


class Presence:
    """The lock files in `directory`. All methods may wait for the disk; none raises."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._descriptor: int | None = None

    def enter(self, member: str) -> None:
        """Hold the lock of `member`; must happen before others can know the member."""
        self.close()
        with contextlib.suppress(OSError):
            self._directory.mkdir(exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = os.open(self._directory / member, flags, 0o666)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def is_dead(self, member: str) -> bool:
        """Return whether the process of `member` has surely ended."""
        try:
            descriptor = os.open(self._directory / member, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True

    def forget(self, member: str) -> None:
        """Remove the file of a member that is no longer known."""
        with contextlib.suppress(OSError):
            os.unlink(self._directory / member)

    def close(self) -> None:
        """Let go of the own lock. May be called twice."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
