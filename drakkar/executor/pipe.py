"""The worker's end of a pipe to or from a program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gevent.monkey import get_original

# gevent's own os.close keeps the descriptor open for one more turn of the loop and costs
# 20 µs; here no watcher is ever left on a descriptor that is closed.
close_fd: Callable[[int], None] = get_original('os', 'close')


class Pipe:
    """Owns a descriptor, and the watcher by which the hub calls when it is ready."""

    __slots__ = ('_fd', '_watcher')

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._watcher: Any = None

    @property
    def open(self) -> bool:
        """Whether it was not closed, by us or by its end."""
        return self._fd >= 0

    def close(self) -> None:
        """Let go of the pipe. May be called at any time, more than once."""
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher.close()
            self._watcher = None
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            close_fd(fd)

    def _call(self, loop: Any, events: int, callback: Callable[[], None]) -> None:
        """Have the hub call whenever the pipe is ready for `events`, until it is closed."""
        self._watcher = loop.io(self._fd, events)
        self._watcher.start(callback)
