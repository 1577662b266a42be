"""A hybrid logical clock: points in time that only grow, and grow past all that was seen."""

from __future__ import annotations

from collections.abc import Callable

# A stamp is milliseconds since the epoch and a counter of so many bits, which carries over.
COUNTER_BITS = 20
# Far beyond any clock, and far enough from the largest integer of SQLite to count on from.
MAX_STAMP = 1 << 62


class StampClock:
    """Gives stamps by `now()` in seconds, each larger than all it gave or saw before.

    So what is written after a value was seen is newer than that value, whichever
    worker's clock is ahead and whether one jumped back meanwhile.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.last = 0

    def tick(self) -> int:
        """Return the stamp of a change that is made now."""
        self.last = max(self.last + 1, int(self._now() * 1000) << COUNTER_BITS)
        return self.last

    def observe(self, stamp: int) -> None:
        """Take note of somebody else's stamp."""
        self.last = max(self.last, stamp)


def seconds(stamp: int) -> float:
    """Return about when a stamp was given, in seconds since the epoch."""
    return (stamp >> COUNTER_BITS) / 1000
