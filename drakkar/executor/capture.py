"""One output pipe of a program: read as it comes, kept up to a cap."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable
from typing import Any

from drakkar.executor.pipe import Pipe

_CHUNK = 65536  # what a pipe holds
_READ = 1  # libev's EV_READ
# A writer that never stops must not keep `drain` for ever; the watcher goes on.
_DRAIN_READS = 32


class Capture(Pipe):
    """Reads one pipe. After `cap` bytes (0: no cap) it reads on and throws away.

    Nobody waits: `drain` takes what is there, `watch` lets the hub read whenever
    something comes. Whoever finds the end closes the descriptor.
    """

    __slots__ = ('_cap', '_chunks', '_on_end', '_size', 'truncated')

    def __init__(self, fd: int, cap: int) -> None:
        super().__init__(fd)
        self._cap = cap
        self._chunks: list[bytes] = []
        self._size = 0
        self._on_end: Callable[[], None] | None = None
        self.truncated = False

    def drain(self) -> None:
        """Read what is there now; close at the end of the stream."""
        for _ in range(_DRAIN_READS):
            if self._fd < 0 or not self._read():
                return

    def watch(self, loop: Any, on_end: Callable[[], None]) -> None:
        """Read in the background; `on_end()` is called in the hub at the end of the stream."""
        if self._fd >= 0 and self._watcher is None:
            self._on_end = on_end
            self._call(loop, _READ, self._on_readable)

    def text(self) -> str:
        """Return what was kept, bytes that are not UTF-8 replaced."""
        chunks = self._chunks
        if not chunks:
            return ''
        data = chunks[0] if len(chunks) == 1 else b''.join(chunks)
        # A cap may cut a character in two; half of one is left out, not replaced.
        return codecs.utf_8_decode(data, 'replace', not self.truncated)[0]

    def _on_readable(self) -> None:
        self._read()
        if self._fd < 0 and self._on_end is not None:
            self._on_end()

    def _read(self) -> bool:
        """Read once; False where there is nothing to read now or ever."""
        try:
            data = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self.close()
            return False
        if self._cap and self._size + len(data) > self._cap:
            data = data[: self._cap - self._size]
            self.truncated = True
        if data:
            self._size += len(data)
            self._chunks.append(data)
        return True
