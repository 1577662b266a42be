"""Takes over what peers have written, file by file; none that is broken stops the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import structlog

from drakkar.cache.entry import Entry
from drakkar.cache.naming import SUFFIX, remove_abandoned
from drakkar.cache.peerfile import Position, Reader, find_files
from drakkar.cache.settings import CacheSettings
from drakkar.cache.store import Identity, OtherFormatError, Store
from drakkar.cache.threads import PatientThread, StuckError
from drakkar.models.snapshot import CachePeerState
from drakkar.readonly import OutOfTimeError, UnreadableError
from drakkar.sqlite import DatabaseError

T = TypeVar('T')

log = structlog.get_logger('drakkar.cache')

# The file system may need a little longer than SQLite, which stops by itself.
_GRACE_SECONDS = 1.0

Take = Callable[[Sequence[Entry], tuple[str, str, int]], int]


class PeerSync:
    """Pulls newer entries from the files beside the own one.

    `take(entries, cursor)` keeps what is newer than what is here, with the cursor, and
    returns how many entries were.
    """

    def __init__(
        self,
        store: Store,
        identity: Identity,
        settings: CacheSettings,
        now: Callable[[], float],
        take: Take,
    ) -> None:
        self._store = store
        self._settings = settings.sync
        self._now = now
        self._take = take
        self._thread = PatientThread()
        self._reader = Reader(
            identity.cluster,
            settings.sync.batch_size,
            settings.stale_seconds,
            settings.network_folder,
        )
        self._next = ''
        self.peers: dict[str, CachePeerState] = {}
        self.cycles = 0
        self.problem = ''

    def cycle(self) -> None:
        """Ask every peer once, as far as the time of a cycle goes."""
        deadline = time.monotonic() + self._settings.cycle_deadline_seconds
        try:
            files = self._run(deadline, find_files, self._store.path.parent, self._store.path)
        except (UnreadableError, StuckError) as error:
            self._note(f'{error}')
            return
        self._note('')
        self.peers = {name: self._state(name) for name in map(peer_name, files)}
        with suppress(DatabaseError):  # the next flush says why
            self._store.keep_cursors(list(self.peers))
        for path in self._in_turn(files):
            if time.monotonic() >= deadline or not self._store.is_open:
                self._next = path.name  # it is the first of the next cycle
                break
            self._ask(path, deadline)
        self.cycles += 1

    def stop(self) -> None:
        """End the native thread."""
        self._thread.stop()

    def _in_turn(self, files: list[Path]) -> list[Path]:
        later = [path for path in files if path.name >= self._next]
        return later + files[: len(files) - len(later)]

    def _state(self, name: str) -> CachePeerState:
        return self.peers.get(name) or CachePeerState(name)

    def _ask(self, path: Path, deadline: float) -> None:
        """Read one peer's file to its end, or to the end of its time."""
        state = self.peers[peer_name(path)]
        deadline = min(deadline, time.monotonic() + self._settings.timeout_seconds)
        try:
            while self._pull(path, state, deadline):
                if time.monotonic() >= deadline:
                    raise OutOfTimeError('there is more than could be read in time')
            problem = 'has not been written to for long' if state.stale else ''
        except DatabaseError as error:
            problem = f'own file: {error}'
        except OutOfTimeError as error:
            state.timeouts += 1
            problem = str(error)
        except StuckError as error:
            state.timeouts += 1
            problem = str(error)
        except (UnreadableError, OtherFormatError, OSError) as error:
            state.errors += 1
            problem = str(error)
        self._judge(state, problem)

    def _pull(self, path: Path, state: CachePeerState, deadline: float) -> bool:
        """Take over one batch; return whether there is more."""
        known = Position(*self._store.cursor(state.name))
        batch = self._run(deadline, self._reader.read, path, known, self._now(), deadline)
        state.worker, state.cluster, state.stale = batch.worker, batch.cluster, batch.stale
        state.damaged += batch.damaged
        if batch.abandoned and self._run(deadline, remove_abandoned, path):
            log.info('cache_file_removed', peer=state.name)
        if batch.position != known:
            cursor = (state.name, batch.position.generation, batch.position.seq)
            state.taken += self._take(batch.entries, cursor)
            state.read += len(batch.entries)
        return batch.more

    def _run(self, deadline: float, fn: Callable[..., T], *args: Any) -> T:
        return self._thread.run(deadline - time.monotonic() + _GRACE_SECONDS, fn, *args)

    def _judge(self, state: CachePeerState, problem: str) -> None:
        if not problem:
            state.synced_at = self._now()
        elif problem != state.problem:
            log.warning('cache_peer_not_read', peer=state.name, reason=problem)
        state.problem = problem

    def _note(self, problem: str) -> None:
        if problem and problem != self.problem:
            log.warning('cache_peers_not_found', reason=problem)
        self.problem = problem


def peer_name(path: Path) -> str:
    """Return what a peer is called here: its file's name, which is its worker's as a rule."""
    return path.name.removesuffix(SUFFIX)
