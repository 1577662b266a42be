"""When to pause the source and when to resume it. Pure."""

from __future__ import annotations


class Backpressure:
    """Counts messages that are queued or in flight, over all partitions.

    `active` turns on when `total` reaches `high` and off when it has fallen to
    `low`; in between it stays as it is.
    """

    __slots__ = ('active', 'high', 'low', 'total')

    def __init__(self, high: int, low: int) -> None:
        if not 0 < low <= high:
            raise ValueError(f'0 < low <= high does not hold for low={low}, high={high}')
        self.high = high
        self.low = low
        self.total = 0
        self.active = False

    @classmethod
    def for_executors(
        cls, executors: int, high_multiplier: float, low_multiplier: float
    ) -> Backpressure:
        """Return the thresholds for a pool of `executors` slots."""
        low = max(1, int(executors * low_multiplier))
        return cls(max(low, int(executors * high_multiplier)), low)

    def add(self, count: int) -> None:
        self.total += count

    def remove(self, count: int) -> None:
        self.total -= count

    @property
    def room(self) -> int:
        """How many more messages may come in before the source must pause; 0 or more."""
        return max(0, self.high - self.total)

    def update(self) -> bool | None:
        """Return True to pause now, False to resume now, None where nothing changes."""
        if not self.active and self.total >= self.high:
            self.active = True
            return True
        if self.active and self.total <= self.low:
            self.active = False
            return False
        return None
