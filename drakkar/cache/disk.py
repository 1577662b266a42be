"""What makes entries outlive the worker, and what brings those of others."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import gevent
import structlog

from drakkar.cache.browse import Search, newest, on_disk
from drakkar.cache.clock import StampClock
from drakkar.cache.entry import Entry
from drakkar.cache.loop import Loop
from drakkar.cache.pending import Pending
from drakkar.cache.settings import CacheSettings
from drakkar.cache.store import Identity, Store
from drakkar.cache.sync import PeerSync
from drakkar.models.snapshot import CacheState
from drakkar.readonly import in_thread
from drakkar.sqlite import DatabaseError

log = structlog.get_logger('drakkar.cache')

# Counting more takes long enough to leave it to the cleanup.
_COUNTED_AT_ONCE = 20_000
# How long a value is waited for, and how long none is after that.
_FIND_SECONDS = 5.0
_STUCK_SECONDS = 10.0


class Disk:
    """The file, the changes on their way to it, and the peers beside it.

    `taken(entry)` hears of each entry of a peer that may be newer than what is in memory,
    `forget()` that all shared ones have become too old to be trusted.
    """

    def __init__(
        self,
        settings: CacheSettings,
        identity: Identity,
        clock: StampClock,
        now: Callable[[], float],
        taken: Callable[[Entry], None],
        forget: Callable[[], None],
    ) -> None:
        assert settings.db_dir is not None
        self._settings = settings
        self._clock = clock
        self._now = now
        self._taken = taken
        self._store = Store(settings.db_dir, identity, settings, clock, now, forget)
        self._flushing = Loop('cache-writer', settings.flush_seconds, self.flush)
        self.pending = Pending(self._store, settings.max_pending, self._flushing.wake)
        self._sync = PeerSync(self._store, identity, settings, now, self._take)
        self._syncing = Loop('cache-sync', settings.sync.interval_seconds, self.sync)
        self._entries = 0
        self._started = False
        self._stuck_until = 0.0

    def start(self) -> None:
        """Open the file and begin; a file that can not be opened is logged and tried again."""
        self._started = True
        if self.flush():
            self.clean()
        self._flushing.start()
        if self._settings.sync.enabled:
            self._syncing.start(at_once=True)

    def stop(self) -> None:
        """Write what is left and close the file. Idempotent."""
        if not self._started:
            return
        self._started = False
        self._syncing.stop()
        self._sync.stop()
        self._flushing.stop()
        try:
            self.flush()
        finally:
            self._store.close()

    def flush(self) -> bool:
        """Write all changes and wait for it; return whether that went well."""
        changed = len(self.pending) > 0
        went_well = self.pending.flush()
        if went_well and changed and self._entries < _COUNTED_AT_ONCE:
            self._count()
        return went_well

    def _count(self) -> None:
        with suppress(DatabaseError):  # the next flush says why
            self._entries = self._store.count()

    def sync(self) -> None:
        """Take over what peers have written until now."""
        self._sync.cycle()

    def clean(self) -> None:
        """Remove what has expired."""
        try:
            self._store.clean()
            self._entries = self._store.count()
        except DatabaseError:
            self.flush()  # opens it again, or says why it can not

    def find(self, key: str) -> Entry | None:
        """Return what the file has of a key; None too where it can not be read in time."""
        if time.monotonic() < self._stuck_until:
            return None
        limit = gevent.Timeout(_FIND_SECONDS)
        try:
            with limit:
                return self._store.find(key)
        except DatabaseError:
            self._flushing.wake()
        except UnicodeError:
            return None  # a text that can be no key
        except gevent.Timeout as timeout:
            if timeout is not limit:
                raise
            # A disk that does not answer holds up one call, not each of them.
            self._stuck_until = time.monotonic() + _STUCK_SECONDS
            log.warning('cache_file_does_not_answer', seconds=_FIND_SECONDS)
        return None

    def browse(self, search: Search) -> list[Entry]:
        """Return the newest values that match. Raises UnreadableError."""
        network = self._settings.network_folder
        now = self._now()
        found = in_thread(on_disk, self._store.path, search, now, not network)
        return newest(self.pending.entries(), found, search, now)

    def fill(self, state: CacheState) -> None:
        """Add what is known here."""
        pending, sync = self.pending, self._sync
        state.pending, state.dropped = len(pending), pending.dropped
        state.problem, state.problem_since = pending.problem, pending.problem_since
        state.path, state.disk_entries = str(self._store.path), self._entries
        state.sync_cycles, state.sync_problem = sync.cycles, sync.problem
        state.peers = list(sync.peers.values())

    def _take(self, entries: Sequence[Entry], cursor: tuple[str, str, int]) -> int:
        """Keep what is newer than what is here; return how many entries were."""
        now = self._now()
        kept = [entry for entry in entries if not self._is_gone(entry, now)]
        for entry in kept:
            self._clock.observe(entry.stamp)
        count = self._store.write(kept, cursor)
        for entry in kept:
            self._taken(entry)
        return count

    def _is_gone(self, entry: Entry, now: float) -> bool:
        """Return whether others have forgotten the entry, or soon will."""
        if entry.expires_at is None:
            return False
        kept = 0.0 if entry.deleted else self._settings.tombstone_seconds
        return entry.expires_at + kept <= now
