"""The input pipe of a program: written as fast as the program reads."""

from __future__ import annotations

import os
from typing import Any

from drakkar.executor.pipe import Pipe

_WRITE = 2  # libev's EV_WRITE


class Feed(Pipe):
    """Writes `data` to a pipe and closes it. A program that does not want it is fine."""

    __slots__ = ('_rest',)

    def __init__(self, fd: int, data: memoryview) -> None:
        super().__init__(fd)
        self._rest = data

    def start(self, loop: Any) -> None:
        """Write what the pipe takes now; the hub writes the rest when there is room."""
        self._write()
        if self._fd >= 0:
            self._call(loop, _WRITE, self._write)

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
