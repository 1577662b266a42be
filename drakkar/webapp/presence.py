"""Notices that a client has gone while its request is worked on."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gevent.hub import get_hub

_READ = 1


@contextmanager
def watched(connection: Any, gone: Callable[[], None]) -> Iterator[None]:
    """Call `gone()`, which may not wait, when the client closes `connection` meanwhile.

    A client that has sent its next request already is not watched any more: what
    it sent would have to be read first.
    """
    raw = connection._sock  # a recv of the cooperative one would wait
    watcher = get_hub().loop.io(raw.fileno(), _READ)

    def look() -> None:
        try:
            here = raw.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            here = b''
        watcher.stop()
        if not here:
            gone()

    watcher.start(look)
    try:
        yield
    finally:
        watcher.stop()
        watcher.close()
