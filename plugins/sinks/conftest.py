"""What the tests of all sinks ask for."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import pytest
from gevent import Greenlet

from drakkar.testing.delivery import deliver, wait_until


@pytest.fixture
def until() -> Callable[..., None]:
    """Wait for a condition."""
    return wait_until


@pytest.fixture
def failures() -> Callable[..., dict[int, BaseException]]:
    """Deliver a batch and return what failed, by position."""
    return deliver


@pytest.fixture
def is_reading() -> Callable[[Greenlet], bool]:
    """Tell whether a greenlet waits for what a socket brings."""

    def look(greenlet: Greenlet) -> bool:
        frames = traceback.walk_stack(greenlet.gr_frame) if greenlet.gr_frame else ()
        return any(frame.f_code.co_name.startswith('recv') for frame, _ in frames)

    return look
