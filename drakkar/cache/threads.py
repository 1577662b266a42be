"""Native threads for files that may never answer, as on a network file system that is gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import gevent
from gevent.threadpool import ThreadPool

T = TypeVar('T')

_MAX_STUCK = 4
_END_SECONDS = 1.0


class StuckError(Exception):
    """A call has not returned in time; its thread is left to it."""


class PatientThread:
    """Runs one function at a time, but does not wait for it longer than it is told.

    A thread that is stuck is replaced, a few times: they come back with the file system.
    """

    def __init__(self) -> None:
        self._pool: ThreadPool | None = None
        self._stuck: list[tuple[ThreadPool, Any]] = []

    @property
    def stuck(self) -> int:
        """How many calls have not returned yet."""
        back = [pool for pool, call in self._stuck if call.ready()]
        # Before the first kill: others run meanwhile, and more calls may return.
        self._stuck = [(pool, call) for pool, call in self._stuck if not call.ready()]
        for pool in back:
            pool.kill()  # its thread is free, and of no use any more
        return len(self._stuck)

    def run(self, seconds: float, fn: Callable[..., T], *args: Any) -> T:
        """Return `fn(*args)`. Raises StuckError after `seconds`, and what `fn` raises."""
        if self.stuck >= _MAX_STUCK:
            raise StuckError(f'{self.stuck} earlier calls have not returned yet')
        if self._pool is None:
            self._pool = ThreadPool(1)
        call = self._pool.spawn(_caught, fn, args)
        try:
            value, error = call.get(timeout=seconds)
        except gevent.Timeout as timeout:
            self._stuck.append((self._pool, call))
            self._pool = None
            raise StuckError(f'no answer within {seconds:.3g} s') from timeout
        if error is not None:
            raise error
        return value

    def stop(self) -> None:
        """End the thread. May be used again."""
        pool, self._pool = self._pool, None
        if pool is not None:
            with gevent.Timeout(_END_SECONDS, False):
                pool.kill()


def _caught(fn: Callable[..., T], args: tuple[Any, ...]) -> tuple[Any, BaseException | None]:
    # An exception that leaves a pool's thread is also printed by the hub, so it travels as a value.
    try:
        return fn(*args), None
    except Exception as error:
        return None, error
