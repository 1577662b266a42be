"""Named greenlets with an owner, and native threads for what would block the hub."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import gevent
import structlog
from gevent.threadpool import ThreadPool

from drakkar import probing

log = structlog.get_logger('drakkar.greenlets')

T = TypeVar('T')

# How long one that was told to end may take; a hook that swallows it must not hold up the rest.
KILL_SECONDS = 5.0


class Killed(gevent.GreenletExit):
    """Ends a greenlet at its owner's wish; any other GreenletExit is somebody's own doing."""


class NamedGreenlet(gevent.Greenlet):
    """A greenlet whose name says what it does, in logs, stacks and leak reports."""

    def __init__(self, name: str, run: Callable[..., Any], *args: Any) -> None:
        super().__init__(run, *args)
        self.name = name

    def __repr__(self) -> str:
        return f'<greenlet {self.name}>'


class Nursery:
    """Owns greenlets: knows all that live, hears of every death, can end them all.

    `on_failure(name, error)` is called when one ends by an exception, whatever
    its class, that is not its own kill; the owner decides what that means. Only
    KeyboardInterrupt passes on, to the main greenlet: nobody handles that signal.
    """

    def __init__(self, on_failure: Callable[[str, BaseException], None]) -> None:
        self._on_failure = on_failure
        self._alive: set[NamedGreenlet] = set()

    def spawn(self, name: str, run: Callable[..., Any], *args: Any) -> NamedGreenlet:
        """Start `run(*args)` in a greenlet of that name."""
        greenlet = NamedGreenlet(name, self._guard, run, args)
        self._alive.add(greenlet)
        greenlet.start()
        return greenlet

    def _guard(self, run: Callable[..., Any], args: tuple[Any, ...]) -> None:
        me = gevent.getcurrent()
        try:
            run(*args)
        except gevent.GreenletExit:
            return
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            log.exception('greenlet_died', greenlet=me.name)
            self._on_failure(me.name, error)
        finally:
            self._alive.discard(me)

    def __len__(self) -> int:
        return len(self._alive)

    def names(self) -> list[str]:
        return sorted(g.name for g in self._alive)

    def join(self, timeout: float | None = None) -> bool:
        """Wait up to `timeout` seconds for all to end; return whether they did."""
        gevent.joinall(list(self._alive), timeout=timeout)
        return not self._alive

    def kill(self, timeout: float | None = KILL_SECONDS) -> bool:
        """End all but the caller itself; return whether they did within `timeout` seconds."""
        me = gevent.getcurrent()
        victims = [g for g in self._alive if g is not me]
        ended = kill_all(victims, timeout)
        # One that never ran has no finally clause to take it off the list.
        self._alive.difference_update([g for g in victims if g.dead])
        return ended


def kill_all(greenlets: Iterable[gevent.Greenlet], timeout: float | None = KILL_SECONDS) -> bool:
    """End greenlets; return whether they did within `timeout` seconds, None for no limit.

    Those that did not are logged by name and left to themselves.
    """
    victims = list(greenlets)
    with gevent.Timeout(timeout, False):
        gevent.killall(victims, Killed)
    left = [g for g in victims if not g.dead]
    if left:
        names = sorted(getattr(g, 'name', repr(g)) for g in left)
        log.error('greenlets_do_not_end', greenlets=names, seconds=timeout)
    return not left


_OFFLOAD_THREADS = 4
_offload_pool: ThreadPool | None = None


def offload(fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Run CPU-bound or blocking `fn` in a native thread and wait for it cooperatively.

    Raises what `fn` raises. The hub stays free; the GIL is still shared, so this
    pays for code that releases it and keeps heartbeats alive for code that does not.
    """
    global _offload_pool
    if _offload_pool is None:  # made at first use, by the process that uses it
        _offload_pool = ThreadPool(_OFFLOAD_THREADS)
    result, error = _offload_pool.apply(_caught, (probing.carry(fn), args, kwargs))
    if error is not None:
        raise error
    return result


def _caught(
    fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, BaseException | None]:
    """Return an exception as a value: gevent prints those that leave a pool's thread."""
    try:
        return fn(*args, **kwargs), None
    except BaseException as error:
        return None, error
