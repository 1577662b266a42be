"""Changes on their way to the file, in memory until they are safe there."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from gevent.event import Event
from gevent.lock import BoundedSemaphore

from drakkar.cache.entry import Entry
from drakkar.cache.store import Store
from drakkar.sqlite import DatabaseError

log = structlog.get_logger('drakkar.cache')

# Entries of one transaction: `get` waits behind it.
_BATCH = 500
# How long `set` waits for room before the oldest change is given up.
_ROOM_SECONDS = 5.0


class Pending:
    """Keeps at most `limit` changes and writes them; the newest of a key replaces older ones.

    Where they can not be written the oldest are dropped for new ones, and `problem` says why.
    """

    def __init__(self, store: Store, limit: int, wake: Callable[[], None]) -> None:
        self._store = store
        self._limit = limit
        self._wake = wake
        self._entries: dict[str, Entry] = {}
        self._turn = BoundedSemaphore()
        self._written = Event()
        self._stuck = False
        self.dropped = 0
        self.problem = ''
        self.problem_since: float | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> Entry | None:
        """Return the change of a key that is not written yet."""
        return self._entries.get(key)

    def entries(self) -> list[Entry]:
        """Return all changes that are not written yet, the oldest first."""
        return list(self._entries.values())

    def add(self, entry: Entry) -> None:
        """Note a change; waits where too many are on their way already."""
        self._entries.pop(entry.key, None)  # it moves to the end
        self._entries[entry.key] = entry
        self._shrink(2 * self._limit)  # some whose wait was cut short by a limit of their own
        if len(self._entries) * 2 > self._limit:
            self._wake()
        if len(self._entries) > self._limit:
            self._make_room()

    def _make_room(self) -> None:
        deadline = time.monotonic() + _ROOM_SECONDS
        while len(self._entries) > self._limit and not (self.problem or self._stuck):
            self._written.clear()
            # A disk that does not answer holds up one call, not each of them.
            self._stuck = not self._written.wait(deadline - time.monotonic())
        self._shrink(self._limit)

    def _shrink(self, limit: int) -> None:
        while len(self._entries) > limit:
            del self._entries[next(iter(self._entries))]
            self.dropped += 1

    def forget(self, entry: Entry) -> None:
        """Take a change back, since a newer one of a peer is safe already."""
        if self._entries.get(entry.key) is entry:
            del self._entries[entry.key]

    def flush(self) -> bool:
        """Write what is there now, and wait for it; return whether that went well."""
        with self._turn:
            try:
                self._store.open()
                self._flush(list(self._entries))
            except DatabaseError as error:
                self._failed(error)
            else:
                self._went_well()
            finally:
                self._written.set()
        return not self.problem

    def _flush(self, keys: list[str]) -> None:
        """Write the changes of `keys`, each in its turn, however often it changes meanwhile."""
        for start in range(0, len(keys), _BATCH):
            known = map(self._entries.get, keys[start : start + _BATCH])
            batch = [entry for entry in known if entry is not None]
            self._store.write(batch)
            for entry in batch:
                self.forget(entry)  # unless it was changed meanwhile
            self._stuck = False
            self._written.set()

    def _failed(self, error: DatabaseError) -> None:
        if self.problem != str(error):
            log.error('cache_not_written', error=str(error), entries=len(self._entries))
            self.problem_since = self.problem_since or time.time()
            self.problem = str(error)

    def _went_well(self) -> None:
        if self.problem:
            log.info('cache_written_again', entries_lost=self.dropped)
        self.problem, self.problem_since = '', None
