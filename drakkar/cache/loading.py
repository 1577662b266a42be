"""Which keys are being read from disk, and whether they changed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Read:
    """One read, or several of the same key at the same time."""

    __slots__ = ('readers', 'stale')

    def __init__(self) -> None:
        self.readers = 0
        self.stale = False


class Loading:
    """A value that was read before a change must not be kept after it."""

    def __init__(self) -> None:
        self._reads: dict[str, Read] = {}

    @contextmanager
    def reading(self, key: str) -> Iterator[Read]:
        """Say that `key` is being read; what is yielded tells afterwards whether it is stale."""
        read = self._reads.setdefault(key, Read())
        read.readers += 1
        try:
            yield read
        finally:
            read.readers -= 1
            if not read.readers and self._reads.get(key) is read:
                del self._reads[key]

    def all_changed(self) -> None:
        """Make all that is being read stale."""
        for key in list(self._reads):
            self.changed(key)

    def changed(self, key: str) -> None:
        """Make what is being read of `key` stale."""
        read = self._reads.pop(key, None)
        if read is not None:
            read.stale = True
