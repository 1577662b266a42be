"""What a handler keeps between messages: `self.cache`."""

from __future__ import annotations

import abc
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Scope(str, Enum):
    """Who else gets an entry: nobody, the workers of the same cluster, all workers."""

    LOCAL = 'local'
    CLUSTER = 'cluster'
    GLOBAL = 'global'


class Cache(abc.ABC):
    """Values by key. They are copies: what is done to one later does not change the other.

    Keys are texts; values are what JSON has: None, bool, int within 64 bits, finite
    float, str, list, and dict with texts as keys. For use in hooks, not in native threads.
    """

    @abc.abstractmethod
    def set(
        self, key: str, value: Any, ttl: float | None = None, scope: Scope = Scope.LOCAL
    ) -> None:
        """Keep `value` for `ttl` seconds, or for as long as there is room.

        Raises TypeError for a key or value of another type, ValueError for a `ttl`
        that is not above 0 or an unknown scope.
        """

    @abc.abstractmethod
    def get(self, key: str, default: Any = None) -> Any:
        """Return the value, from memory or else from disk, for which others need not wait."""

    @abc.abstractmethod
    def peek(self, key: str, default: Any = None) -> Any:
        """Return the value where it is in memory. Never waits."""

    @abc.abstractmethod
    def delete(self, key: str) -> None:
        """Forget the key, here and wherever its entry went. Unknown keys are no error.

        Raises TypeError for what can be no key.
        """

    @abc.abstractmethod
    def __contains__(self, key: object) -> bool:
        """Return whether `get` has a value; asked so, it counts neither as hit nor as miss."""


class NullCache(Cache):
    """Accepts every call and keeps nothing: the cache of a worker that has none."""

    def set(
        self, key: str, value: Any, ttl: float | None = None, scope: Scope = Scope.LOCAL
    ) -> None:
        return None

    def get(self, key: str, default: Any = None) -> Any:
        return default

    def peek(self, key: str, default: Any = None) -> Any:
        return default

    def delete(self, key: str) -> None:
        return None

    def __contains__(self, key: object) -> bool:
        return False


@dataclass(slots=True)
class CacheCounts:
    """What `get` and `peek` found on somebody's behalf."""

    hits: int = 0
    misses: int = 0


_counts: ContextVar[CacheCounts | None] = ContextVar('drakkar_cache_counts', default=None)


@contextmanager
def counting(counts: CacheCounts) -> Iterator[CacheCounts]:
    """Count the hits and misses of what this greenlet runs inside, for one request say."""
    token = _counts.set(counts)
    try:
        yield counts
    finally:
        _counts.reset(token)


def current_counts() -> CacheCounts | None:
    """Return who counts here, if anybody does."""
    return _counts.get()
