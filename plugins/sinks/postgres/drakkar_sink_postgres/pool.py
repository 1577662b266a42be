"""A pool of connections, each used by one greenlet at a time."""

from __future__ import annotations

import select
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gevent.lock import BoundedSemaphore
from gevent.monkey import get_original
from psycopg2 import extensions

from drakkar_sink_postgres.green import Connection
from drakkar_sink_postgres.verdict import NotNow

# Connections beyond the smallest number are closed after so long without work.
IDLE_SECONDS = 60.0

# gevent's own would switch to the hub; this one only looks.
_poll = get_original('select', 'poll')


class Pool:
    """Lends up to `largest` connections, and keeps `smallest` open.

    A connection whose use ended in the middle of something is closed, never lent again.
    """

    def __init__(
        self, connect: Callable[[], Connection], smallest: int, largest: int, wait_seconds: float
    ) -> None:
        self._connect = connect
        self._smallest = smallest
        self._largest = largest
        self._wait_seconds = wait_seconds
        self._slots = BoundedSemaphore(largest)
        self._idle: deque[tuple[float, Connection]] = deque()  # the longest idle one first
        self._closed = False

    def fill(self) -> None:
        """Open the smallest number of connections. Raises NotWrittenError."""
        self._closed = False
        while len(self._idle) < self._smallest:
            self._idle.append((time.monotonic(), self._connect()))

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a connection. Raises NotWrittenError when none is free or can be opened."""
        if not self._slots.acquire(timeout=self._wait_seconds):
            raise NotNow(
                f'all {self._largest} connections were in use for {self._wait_seconds} seconds'
            )
        try:
            connection = self._take()
            try:
                yield connection
            except Exception:
                self._give_back(connection)
                raise
            except BaseException:  # killed: nobody knows what it was in the middle of
                connection.close()
                raise
            else:
                self._give_back(connection)
        finally:
            self._slots.release()

    def close(self) -> None:
        """Close the idle connections now, and the lent ones when they come back."""
        self._closed = True
        while self._idle:
            self._idle.popleft()[1].close()

    def _take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()[1]
            if not _is_stale(connection):
                return connection
            connection.close()
        return self._connect()

    def _give_back(self, connection: Connection) -> None:
        if self._closed or not _is_idle(connection):
            connection.close()
            return
        now = time.monotonic()
        self._idle.append((now, connection))
        while len(self._idle) > self._smallest and self._idle[0][0] < now - IDLE_SECONDS:
            self._idle.popleft()[1].close()


def _is_idle(connection: Connection) -> bool:
    """Return whether a connection is open, and in no query and no transaction."""
    if connection.closed:
        return False
    status: int = connection.info.transaction_status
    return status == extensions.TRANSACTION_STATUS_IDLE


def _is_stale(connection: Connection) -> bool:
    """Return whether the server has said something meanwhile: nearly always that it goes."""
    if connection.closed:
        return True
    poll = _poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
