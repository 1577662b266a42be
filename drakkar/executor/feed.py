"""The input pipe of a program: written as fast as the program reads."""

from __future__ import annotations

import os
from typing import Any

from drakkar.executor.capture import close_fd

_WRITE = 2  # libev's EV_WRITE


class Feed:
    """Writes `data` to a pipe and closes it. A program that does not want it is fine."""

    __slots__ = ('_fd', '_rest', '_watcher')

    def __init__(self, fd: int, data: memoryview) -> None:
        self._fd = fd
        self._rest = data
        self._watcher: Any = None

    def start(self, loop: Any) -> None:
        """Write what the pipe takes now; the hub writes the rest when there is room."""
        self._write()
        if self._fd >= 0:
            self._watcher = loop.io(self._fd, _WRITE)
            self._watcher.start(self._write)

    def close(self) -> None:
        """Stop writing. May be called at any time, more than once."""
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher.close()
            self._watcher = None
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            close_fd(fd)

    def _write(self) -> None:
        # Once a call: a program that reads as fast as we write must not hold the hub.
        try:
            self._rest = self._rest[os.write(self._fd, self._rest) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self.close()  # it reads no more, as it may
            return
        if not self._rest:
            self.close()
