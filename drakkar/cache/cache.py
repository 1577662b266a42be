"""The cache of a worker: memory first, the file behind it, peers beside it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import gevent

from drakkar.cache.browse import Search, newest
from drakkar.cache.clock import StampClock
from drakkar.cache.disk import Disk
from drakkar.cache.encoding import check_key, decode, encode
from drakkar.cache.entry import Entry
from drakkar.cache.loading import Loading
from drakkar.cache.loop import Loop
from drakkar.cache.memory import Memory
from drakkar.cache.settings import CacheSettings
from drakkar.cache.store import Identity
from drakkar.contracts.cache import Cache, Scope, current_counts
from drakkar.models.snapshot import CacheState
from drakkar.probing import probing


class WorkerCache(Cache):
    """See `Cache`; without `settings.db_dir` it is in memory only.

    `now()` is in seconds since the epoch. What code does that runs for the Message Probe
    changes nothing and is not counted.
    """

    def __init__(
        self,
        settings: CacheSettings,
        worker: str,
        cluster: str = '',
        now: Callable[[], float] = time.time,
    ) -> None:
        # A name from the environment may hold what has no form on disk.
        self._origin = worker.encode('utf-8', 'replace').decode()
        self._settings = settings
        self._now = now
        self._clock = StampClock(now)
        self._memory = Memory(settings.max_memory_entries, now)
        self._loading = Loading()
        self._disk: Disk | None = None
        if settings.db_dir is not None:
            identity = Identity(self._origin, cluster.encode('utf-8', 'replace').decode())
            self._disk = Disk(settings, identity, self._clock, now, self._taken, self._forget)
        self._cleaning = Loop('cache-cleanup', settings.cleanup_seconds, self.clean)
        self._counted = CacheState(
            max_memory_entries=settings.max_memory_entries,
            writes={scope.value: 0 for scope in Scope},
        )

    # Life

    def start(self) -> None:
        """Open the file, which is made or tried again where it can not be, and begin."""
        if self._disk is not None:
            self._disk.start()
        self._cleaning.start()

    def stop(self) -> None:
        """Write what is left and close the file. Idempotent."""
        self._cleaning.stop()
        if self._disk is not None:
            self._disk.stop()

    def flush(self) -> None:
        """Write all changes until now and wait for it."""
        if self._disk is not None:
            self._disk.flush()

    def sync(self) -> None:
        """Take over what peers have written until now, and wait for it."""
        if self._disk is not None:
            self._disk.sync()

    def clean(self) -> None:
        """Remove what has expired, from memory and from disk."""
        for _ in self._memory.expire():
            gevent.sleep(0)
        if self._disk is not None:
            self._disk.clean()

    @property
    def state(self) -> CacheState:
        """How it goes; never waits."""
        state = self._counted
        state.memory_entries, state.evictions = len(self._memory), self._memory.evictions
        if self._disk is not None:
            self._disk.fill(state)
        return state

    def browse(self, search: Search) -> list[Entry]:
        """Return the newest values that match, for people. Raises UnreadableError."""
        if self._disk is not None:
            return self._disk.browse(search)
        return newest(self._memory.entries(), [], search, self._now())

    def look(self, key: str) -> Entry | None:
        """Return the entry of a key, for people: nothing is counted or kept."""
        entry = self._known(key) or self._load(key, keep=False)
        return entry if entry is not None and entry.is_alive(self._now()) else None

    def is_in_memory(self, key: str) -> bool:
        """Return whether `peek` would find something, a deletion perhaps."""
        return self._known(key) is not None

    # What handlers call

    def set(
        self, key: str, value: Any, ttl: float | None = None, scope: Scope = Scope.LOCAL
    ) -> None:
        json = encode(key, value)
        scope = Scope(scope)
        if ttl is not None and not ttl > 0:
            raise ValueError(f'cache: the ttl of {key!r:.100} must be above 0 seconds, not {ttl}')
        if probing():
            return
        forever = ttl is None or ttl == math.inf
        expires_at = None if forever else self._now() + float(ttl or 0)
        self._counted.writes[scope.value] += 1
        self._change(Entry(key, json, scope, expires_at, self._clock.tick(), self._origin))

    def get(self, key: str, default: Any = None) -> Any:
        entry, counts = self._known(key), not probing()
        source = 'memory'
        if entry is None:
            entry, source = self._load(key, keep=counts), 'sqlite'
        elif counts and not entry.deleted:
            self._memory.put(entry)  # it is the last to go now, and back if it had gone
        return self._value(entry, default, source if counts else '')

    def peek(self, key: str, default: Any = None) -> Any:
        return self._value(self._known(key), default, '' if probing() else 'memory')

    def delete(self, key: str) -> None:
        check_key(key)
        if probing():
            return
        known = self._known(key)
        scope = known.scope if known else None
        kept = 0.0 if scope is Scope.LOCAL else self._settings.tombstone_seconds
        self._counted.deletes += 1
        self._change(
            Entry(
                key, '', scope, self._now() + kept, self._clock.tick(), self._origin, deleted=True
            )
        )

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str):
            return False
        entry = self._known(key) or self._load(key, keep=not probing())
        return entry is not None and entry.is_alive(self._now())

    # Inside

    def _known(self, key: str) -> Entry | None:
        """Return what memory knows of a key: its value, or that it is deleted."""
        pending = self._disk.pending.get(key) if self._disk is not None else None
        return pending or self._memory.get(key)

    def _load(self, key: str, keep: bool) -> Entry | None:
        """Return what the file has of a key, or memory where it changed meanwhile."""
        while self._disk is not None:
            with self._loading.reading(key) as read:
                entry = self._disk.find(key)
            if not read.stale:
                if keep and entry is not None and entry.is_alive(self._now()):
                    self._memory.put(entry)
                return entry
            known = self._known(key)
            if known is not None:
                return known
        return None

    def _value(self, entry: Entry | None, default: Any, source: str) -> Any:
        """Return the value of an entry, and count it; an empty `source` counts nothing."""
        if entry is not None and entry.is_alive(self._now()):
            try:
                value = decode(entry.json)
            except ValueError:  # the file is damaged where SQLite can not see it
                self._memory.drop(entry.key)
            else:
                self._count(source)
                return value
        self._count(source and 'none')
        return default

    def _count(self, source: str) -> None:
        if not source:
            return
        counted, mine = self._counted, current_counts()
        if source == 'none':
            counted.misses += 1
            if mine is not None:
                mine.misses += 1
            return
        if source == 'memory':
            counted.hits_memory += 1
        else:
            counted.hits_sqlite += 1
        if mine is not None:
            mine.hits += 1

    def _change(self, entry: Entry) -> None:
        self._loading.changed(entry.key)
        if entry.deleted:
            self._memory.drop(entry.key)
        else:
            self._memory.put(entry)
        if self._disk is not None:
            self._disk.pending.add(entry)

    def _forget(self) -> None:
        """Forget what is shared, as the file did: it has missed deletions."""
        self._loading.all_changed()
        self._memory.drop_shared()

    def _taken(self, entry: Entry) -> None:
        """Let an entry of a peer, which is on disk by now, replace what is older in memory."""
        known = self._known(entry.key)
        self._loading.changed(entry.key)
        if known is None or known.rank >= entry.rank:
            return
        assert self._disk is not None
        self._disk.pending.forget(known)
        if self._memory.get(entry.key) is None:
            return
        if entry.deleted:
            self._memory.drop(entry.key)
        else:
            self._memory.put(entry)
