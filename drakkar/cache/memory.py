"""The entries in memory: a bounded number, the least recently used go first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator

from drakkar.cache.entry import Entry
from drakkar.contracts.cache import Scope

_SLICE = 1000


class Memory:
    """At most `limit` entries by key; `now()` is in seconds since the epoch."""

    def __init__(self, limit: int, now: Callable[[], float]) -> None:
        self._limit = limit
        self._now = now
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self.evictions = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> Entry | None:
        """Return the entry, expired or not, and leave the order as it is."""
        return self._entries.get(key)

    def entries(self) -> list[Entry]:
        """Return all entries, the least recently used first."""
        return list(self._entries.values())

    def put(self, entry: Entry) -> None:
        """Keep an entry; the least recently used makes room for it."""
        self._entries[entry.key] = entry
        self._entries.move_to_end(entry.key)
        if len(self._entries) > self._limit:
            self._entries.popitem(last=False)
            self.evictions += 1

    def drop(self, key: str) -> None:
        """Forget an entry, where there is one."""
        self._entries.pop(key, None)

    def drop_shared(self) -> None:
        """Forget all that is not of this worker alone."""
        for entry in self.entries():
            if entry.scope is not Scope.LOCAL:
                del self._entries[entry.key]

    def expire(self) -> Iterator[None]:
        """Forget what has expired, a bounded number of steps at a time: yields in between."""
        now = self._now()
        for number, (key, entry) in enumerate(list(self._entries.items()), start=1):
            if not entry.is_alive(now) and self._entries.get(key) is entry:
                del self._entries[key]
            if number % _SLICE == 0:
                yield
