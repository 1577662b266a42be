"""A circuit breaker without a clock or IO of its own: the caller passes the time in."""

from __future__ import annotations

import enum


class State(enum.Enum):
    """The value is what the gauge shows."""

    CLOSED = 0.0
    HALF_OPEN = 0.5
    OPEN = 1.0


class Breaker:
    """Opens after `threshold` consecutive terminal failures of one sink instance.

    While open nothing is admitted; `cooldown` seconds later one probe is. Its
    success closes the breaker, its failure opens it for another cooldown. A
    probe that never reports (its work was cancelled) is replaced by the next
    one after a further cooldown. `threshold` 0 means that it never opens.

    A failure is terminal when payloads were given up because of it; one that is
    answered with RETRY only matters to a probe. A refusal counts as success:
    the sink is there and answers.
    """

    __slots__ = ('_cooldown', '_failures', '_since', '_threshold', 'state')

    def __init__(self, threshold: int, cooldown: float) -> None:
        self._threshold = threshold
        self._cooldown = cooldown
        self._failures = 0
        self._since = 0.0
        self.state = State.CLOSED

    def admits(self, now: float) -> bool:
        """Return whether a delivery may be tried; in a half open state it is the probe."""
        if self.state is State.CLOSED:
            return True
        if now - self._since < self._cooldown:
            return False
        self.state = State.HALF_OPEN
        self._since = now
        return True

    def succeeded(self) -> bool:
        """Take note that the sink answered; return whether that closed the breaker."""
        self._failures = 0
        if self.state is State.CLOSED:
            return False
        self.state = State.CLOSED
        return True

    def failed(self, now: float, terminal: bool) -> bool:
        """Take note that the sink failed; return whether that opened the breaker.

        A probe that fails opens it again, which is no new trip: False.
        """
        if self.state is State.HALF_OPEN:
            self._open(now)
            return False
        if not terminal or self.state is State.OPEN:
            return False
        self._failures += 1
        if not 0 < self._threshold <= self._failures:
            return False
        self._open(now)
        return True

    def _open(self, now: float) -> None:
        self.state = State.OPEN
        self._since = now
