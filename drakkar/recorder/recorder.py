"""The flight recorder as the worker and the UI know it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import structlog
from gevent.event import Event

from drakkar.contracts.observer import Observer
from drakkar.greenlets import NamedGreenlet
from drakkar.models.snapshot import RecorderState, WorkerSnapshot
from drakkar.recorder.buffer import Buffer
from drakkar.recorder.filestore import FileStore
from drakkar.recorder.observer import RecorderObserver
from drakkar.recorder.settings import RecorderSettings
from drakkar.recorder.stores import MemoryStore, Store
from drakkar.recorder.tables import FORMAT
from drakkar.recorder.taskrows import EventRows
from drakkar.recorder.thread import NativeThread
from drakkar.recorder.writer import Writer

log = structlog.get_logger('drakkar.recorder')

T = TypeVar('T')


class Recorder:
    """Records what `observer` hears, until it is stopped.

    `identity` goes to the table `worker_config`; it needs `worker_id`, and `source`
    as the origin of events. `snapshot` returns the worker's state and must not wait;
    `told` hears of flushes, retries and losses.
    """

    def __init__(
        self,
        settings: RecorderSettings,
        identity: Mapping[str, Any],
        snapshot: Callable[[], WorkerSnapshot],
        told: Observer | None = None,
    ) -> None:
        self._settings = settings
        self._thread = NativeThread()
        self._wake = Event()
        buffer = Buffer(settings.max_buffer, self._wake.set)
        rows = EventRows(identity.get('source', ''), settings.output_max_bytes)
        self._hearing = RecorderObserver(buffer, settings)
        self.observer: Observer = self._hearing
        self._store = self._make_store(identity.get('worker_id', ''))
        self._writer = Writer(
            settings, buffer, rows, self._store, self._thread.run, told or Observer(), snapshot
        )
        self._writer.identify({'format': FORMAT, **identity})
        self._waiting: list[Event] = []
        self._stopping = False
        self._greenlet: NamedGreenlet | None = None

    def start(self) -> None:
        """Begin to write. What fails is logged, counted and tried again; it raises nothing."""
        self._greenlet = NamedGreenlet('recorder', self._run)
        self._greenlet.start()

    def stop(self) -> None:
        """Write what is left and close the file. Idempotent."""
        greenlet, self._greenlet = self._greenlet, None
        if greenlet is None:
            return
        self._stopping = True
        self._wake.set()
        greenlet.join()
        self._thread.stop()

    def flush(self) -> None:
        """Write what is noted now, and wait until that was tried."""
        if self._greenlet is None:
            return
        done = Event()
        self._waiting.append(done)
        self._wake.set()
        done.wait()

    def identify(self, **values: Any) -> None:
        """Set more keys of `worker_config`, those that are known only later."""
        self._writer.identify(values)

    def read(self, fn: Callable[..., T], *args: Any) -> T:
        """Return `fn(connection, *args)` over what is written, from a native thread.

        The connection can only read; its rows are `sqlite3.Row`. Raises DrakkarError
        where there is nothing to read, and what `fn` raises.
        """
        return self._store.read(fn, *args)

    @property
    def state(self) -> RecorderState:
        """How it goes; never waits."""
        return self._writer.state

    @property
    def path(self) -> Path | None:
        """The current file; None in memory, and before the first flush."""
        return self._store.path

    def _make_store(self, worker: str) -> Store:
        if self._settings.db_dir is None:
            return MemoryStore(self._settings)
        return FileStore(self._settings, worker, self._thread.run)

    def _run(self) -> None:
        while not self._stopping:
            self._turn(self._writer.flush)
            self._wake.wait(self._settings.flush_seconds)
            self._wake.clear()
        self._turn(self._writer.close)

    def _turn(self, step: Callable[[], None]) -> None:
        """Do one step for all who wait by now; the recorder's own mistakes are no end of it."""
        waiting, self._waiting = self._waiting, []
        try:
            self._hearing.release_held()
            step()
        except Exception:
            log.exception('recorder_failed')
        finally:
            for done in waiting:
                done.set()
