"""A native thread of the recorder's own: what handlers offload can not keep it waiting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from gevent.monkey import get_original
from gevent.threadpool import ThreadPool

T = TypeVar('T')

_PAUSE_SECONDS = 0.0001
_native_sleep = get_original('time', 'sleep')


class NativeThread:
    """Runs functions one after the other; made at first use."""

    def __init__(self) -> None:
        self._pool: ThreadPool | None = None

    def run(self, fn: Callable[..., T], *args: Any) -> T:
        """Return `fn(*args)`, waiting cooperatively. Raises what `fn` raises."""
        if self._pool is None:
            self._pool = ThreadPool(1)
        value, error = self._pool.apply(_caught, (fn, args))
        if error is not None:
            raise error
        return value

    def stop(self) -> None:
        """End the thread when it has done what it was given. May be used again."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.kill()


def give_way() -> None:
    """Let the hub have the GIL, which otherwise waits 5 ms for it. For native threads."""
    _native_sleep(_PAUSE_SECONDS)


def _caught(fn: Callable[..., T], args: tuple[Any, ...]) -> tuple[Any, Exception | None]:
    # An exception that leaves a pool's thread is also printed by the hub, so it travels as a value.
    try:
        return fn(*args), None
    except Exception as error:
        return None, error
