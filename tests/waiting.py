"""Waiting for conditions, never for times."""

from __future__ import annotations

import time
from collections.abc import Callable

import gevent


def until(condition: Callable[[], object], timeout: float = 10.0) -> None:
    """Let others run until `condition()` holds. Raises TimeoutError."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f'not within {timeout} s')
        gevent.sleep(0.001)
