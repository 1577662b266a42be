"""Exponential backoff with jitter: the one formula for every retry."""

from __future__ import annotations

import random


def delay_seconds(attempt: int, base: float, maximum: float) -> float:
    """Return how long to wait after failed attempt number `attempt` (from 1).

    Doubles from `base` up to `maximum` seconds; the jitter takes off up to half,
    so that a fleet that failed together does not come back together.
    """
    ceiling = min(maximum, base * 2.0 ** min(attempt - 1, 60))
    return ceiling * random.uniform(0.5, 1.0)
