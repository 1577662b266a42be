"""Caches of several workers over one folder, on one clock that a test sets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from drakkar.cache import CacheSettings, WorkerCache

NOW = 1_700_000_000.0
NEVER = 3600.0  # loops that a test drives by itself


class World:
    """Makes caches; `now` is the time of all of them, but for the `skew` of a worker's clock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = NOW
        self.skew: dict[str, float] = defaultdict(float)
        self._caches: list[WorkerCache] = []

    def cache(self, worker: str = 'w1', cluster: str = 'blue', **settings: Any) -> WorkerCache:
        """Return a started cache whose loops never run by themselves, unless told otherwise."""
        defaults = CacheSettings(
            self.folder, flush_seconds=NEVER, cleanup_seconds=NEVER, busy_seconds=0.2
        )
        sync = replace(defaults.sync, **{'enabled': False, **settings.pop('sync', {})})
        cache = WorkerCache(
            replace(defaults, sync=sync, **settings),
            worker,
            cluster,
            lambda: self.now + self.skew[worker],
        )
        cache.start()
        self._caches.append(cache)
        return cache

    def crash(self, cache: WorkerCache) -> None:
        """End a cache as SIGKILL does: what is not written yet is lost."""
        cache._disk.pending._entries.clear()
        cache.stop()

    def close(self) -> None:
        for cache in self._caches:
            cache.stop()


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Stop in the end what was started."""
    made = World(folder)
    try:
        yield made
    finally:
        made.close()
