"""When a fleet that restarts joins its group. Pure."""

from __future__ import annotations

import math


def aligned_time(now: float, min_wait: float, interval: float) -> float:
    """Return the first multiple of `interval` that is at least `min_wait` seconds after `now`."""
    return math.ceil((now + min_wait) / interval) * interval
