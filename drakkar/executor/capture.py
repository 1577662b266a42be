"""One output pipe of a program: read as it comes, kept up to a cap."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable
from typing import Any

from gevent.monkey import get_original

# gevent's own os.close keeps the descriptor open for one more turn of the loop and costs
# 20 µs; here no watcher is ever left on a descriptor that is closed.
close_fd: Callable[[int], None] = get_original('os', 'close')

_CHUNK = 65536  # what a pipe holds
_READ = 1  # libev's EV_READ
# A writer that never stops must not keep `drain` for ever; the watcher goes on.
_DRAIN_READS = 32


class Capture:
    """Reads one pipe. After `cap` bytes (0: no cap) it reads on and throws away.

    Nobody waits: `drain` takes what is there, `watch` lets the hub read whenever
    something comes. Whoever finds the end closes the descriptor.
    """

    __slots__ = ('_cap', '_chunks', '_fd', '_on_end', '_size', '_watcher', 'truncated')

    def __init__(self, fd: int, cap: int) -> None:
        self._fd = fd
        self._cap = cap
        self._chunks: list[bytes] = []
        self._size = 0
        self._watcher: Any = None
        self._on_end: Callable[[], None] | None = None
        self.truncated = False

    @property
    def open(self) -> bool:
        """Whether some process may still write."""
        return self._fd >= 0

    def drain(self) -> None:
        """Read what is there now; close at the end of the stream."""
        for _ in range(_DRAIN_READS):
            if self._fd < 0 or not self._read():
                return

    def watch(self, loop: Any, on_end: Callable[[], None]) -> None:
        """Read in the background; `on_end()` is called in the hub at the end of the stream."""
        if self._fd >= 0 and self._watcher is None:
            self._on_end = on_end
            self._watcher = loop.io(self._fd, _READ)
            self._watcher.start(self._on_readable)

    def close(self) -> None:
        """Stop reading. May be called at any time, more than once."""
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher.close()
            self._watcher = None
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            close_fd(fd)

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
