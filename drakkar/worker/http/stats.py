"""What goes on at the endpoint, for the dashboard and for metrics."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping

from drakkar.contracts.observer import Observer
from drakkar.models.http import HttpAnswer, HttpRequest
from drakkar.models.snapshot import WebappClientState, WebappState

SECONDS = 60


class Minute:
    """Counts what happened in the last 60 seconds, in steps of one. Pure.

    Seconds in which nothing happened cost nothing, and there are never more than 61.
    """

    __slots__ = ('_seconds', '_size')

    def __init__(self, size: int) -> None:
        self._size = size
        self._seconds: deque[tuple[int, list[int]]] = deque()

    def add(self, kind: int, now: float) -> None:
        """Count one more of that kind, 0 to `size` - 1."""
        second = int(now)
        if not self._seconds or self._seconds[-1][0] != second:
            self._forget(second)
            self._seconds.append((second, [0] * self._size))
        self._seconds[-1][1][kind] += 1

    def totals(self, now: float) -> list[int]:
        """Return how many of each kind there were."""
        self._forget(int(now))
        counts = [second[1] for second in self._seconds]
        return [sum(count[kind] for count in counts) for kind in range(self._size)]

    def _forget(self, second: int) -> None:
        while self._seconds and self._seconds[0][0] <= second - SECONDS:
            self._seconds.popleft()


_OK, _ERROR, _REFUSED = range(3)
# What a client may mend is no error of this worker.
_KINDS = {'ok': _OK, 'error': _ERROR, 'timeout': _ERROR}


class HttpStats(Observer):
    """Counts requests, in all and by client; `rpms` are the clients and their limits."""

    def __init__(
        self,
        rpms: Mapping[str, int],
        max_concurrent: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rpms = dict(rpms)
        self._max_concurrent = max_concurrent
        self._clock = clock
        self._in_flight = 0
        self._by_client = {name: Minute(3) for name in self._rpms}
        self._unknown = Minute(3)

    def http_received(self, request: HttpRequest) -> None:
        self._in_flight += 1

    def http_completed(self, request: HttpRequest, answer: HttpAnswer) -> None:
        self._in_flight -= 1

    def http_answered(self, client_name: str, status: str, duration: float) -> None:
        minute = self._by_client.get(client_name, self._unknown)
        minute.add(_KINDS.get(status, _REFUSED), self._clock())

    @property
    def state(self) -> WebappState:
        """How it stands now."""
        now = self._clock()
        clients = [
            WebappClientState(name, rpm, *self._by_client[name].totals(now))
            for name, rpm in self._rpms.items()
        ]
        unknown = sum(self._unknown.totals(now))
        return WebappState(self._in_flight, self._max_concurrent, clients, unknown)
