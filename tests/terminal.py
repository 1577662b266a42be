"""Programs on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Callable

import gevent
from gevent.os import make_nonblocking, nb_read


def run_on_terminal(
    start: Callable[..., subprocess.Popen[bytes]], typed: bytes = b'', limit: float = 30
) -> tuple[int, str]:
    """Return the exit code of the program that `start(stdin=, stdout=, stderr=)` starts, and
    what the terminal shows in the end.

    `typed` are the keys that are pressed from the beginning, `limit` the seconds that it may
    take. Raises AssertionError after them.
    """
    ours, theirs = pty.openpty()
    make_nonblocking(ours)
    try:
        with start(stdin=theirs, stdout=theirs, stderr=theirs) as process:
            os.close(theirs)
            os.write(ours, typed)
            try:
                with gevent.Timeout(limit, AssertionError('it never ended')):
                    shown = _read_all(ours)
                    return process.wait(), shown.decode()
            finally:
                process.kill()  # which does nothing to one that has ended
    finally:
        os.close(ours)


def _read_all(descriptor: int) -> bytes:
    shown = b''
    try:
        while data := nb_read(descriptor, 10_000):
            shown += data
    except OSError:  # what Linux answers when the other end is closed
        pass
    return shown
