"""Lets what must stay together end before Ctrl-C does."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held() -> Iterator[None]:
    """Raise the KeyboardInterrupt of a Ctrl-C only after the body; for short ones.

    To be used in the main thread, where Python runs signal handlers.
    """
    came = []
    former = signal.signal(signal.SIGINT, lambda *_: came.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)
    if came:
        raise KeyboardInterrupt
