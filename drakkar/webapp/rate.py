"""How often a client may ask. Pure: the caller brings the clock."""

from __future__ import annotations

from collections import deque

WINDOW_SECONDS = 60.0


class SlidingWindow:
    """Admits up to `limit` calls in any `seconds`. Calls that are refused do not count."""

    __slots__ = ('_admitted', '_seconds', 'limit')

    def __init__(self, limit: int, seconds: float = WINDOW_SECONDS) -> None:
        self.limit = limit
        self._seconds = seconds
        self._admitted: deque[float] = deque()

    def admit(self, now: float) -> float:
        """Return 0 and count the call, or the seconds until one would be admitted.

        `now` never goes back.
        """
        self._forget(now)
        if len(self._admitted) < self.limit:
            self._admitted.append(now)
            return 0.0
        return self._admitted[0] + self._seconds - now

    def used(self, now: float) -> int:
        """Return how many calls were admitted within the window."""
        self._forget(now)
        return len(self._admitted)

    def _forget(self, now: float) -> None:
        # The very expression of the wait, so that who waits for it is admitted.
        while self._admitted and self._admitted[0] + self._seconds - now <= 0:
            self._admitted.popleft()
