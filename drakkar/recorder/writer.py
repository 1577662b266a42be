"""Brings what was noted into the store, and copes when that does not work."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import structlog

from drakkar import redact
from drakkar.backoff import delay_seconds
from drakkar.contracts.observer import Observer
from drakkar.models.snapshot import RecorderState, WorkerSnapshot
from drakkar.recorder import text
from drakkar.recorder.buffer import Backlog, Buffer, RawEvent
from drakkar.recorder.rows import Row
from drakkar.recorder.settings import RecorderSettings
from drakkar.recorder.stores import InThread, Store
from drakkar.recorder.taskrows import EventRows
from drakkar.recorder.thread import give_way
from drakkar.sqlite import DatabaseError

log = structlog.get_logger('drakkar.recorder')

STATE_SECONDS = 5.0  # between two snapshots of the worker
_BACKOFF_MAX_SECONDS = 30.0
# Events whose rows are made in one go; between two of them the hub gets the GIL.
_CHUNK = 400


class Writer:
    """Writes the buffer's events to `store` when `flush` is called, by one greenlet.

    Whatever fails costs the pipeline nothing: rows are kept, up to the buffer's size,
    and written to a new file when one can be made. `observer` hears how it goes.
    """

    def __init__(
        self,
        settings: RecorderSettings,
        buffer: Buffer,
        maker: EventRows,
        store: Store,
        in_thread: InThread,
        observer: Observer,
        snapshot: Callable[[], WorkerSnapshot],
    ) -> None:
        self._settings = settings
        self._buffer = buffer
        self._maker = maker
        self._store = store
        self._in_thread = in_thread
        self._observer = observer
        self._snapshot = snapshot
        self._backlog = Backlog(settings.max_buffer)
        self._identity: dict[str, str] = {}
        self._identity_news: dict[str, str] = {}
        self._state_due = 0.0
        self._failures = 0
        self._retry_at = 0.0
        self._written = 0
        self._dropped: Counter[str] = Counter()
        self._problem = ''
        self._problem_since: float | None = None

    def identify(self, values: dict[str, Any]) -> None:
        """Set keys of `worker_config`; written with the next flush and into every file."""
        news = {key: text.json(value) for key, value in redact.data(values).items()}
        self._identity.update(news)
        self._identity_news.update(news)

    @property
    def state(self) -> RecorderState:
        return RecorderState(
            buffered=len(self._buffer) + len(self._backlog.rows),
            written=self._written,
            dropped=sum(self._dropped.values()) + self._buffer.lost,
            path=str(self._store.path or ''),
            problem=self._problem,
            problem_since=self._problem_since,
        )

    def flush(self, *, at_once: bool = False) -> None:
        """Make rows of what was noted and write them, unless the last failure was just now."""
        self._make_rows()
        if at_once or time.monotonic() >= self._retry_at:
            self._write()
        self._count_lost('buffer_full', self._backlog.trim())

    def close(self) -> None:
        """Write what is left, a second time to a new file where the first fails, and close."""
        self.flush(at_once=True)
        if self._backlog.rows:
            self.flush(at_once=True)
        left = len(self._backlog.rows)
        if left:
            log.error('recorder_events_lost', events=left, problem=self._problem)
            self._count_lost('closing', left)
            self._backlog.rows.clear()
        self._store.retire()

    def _make_rows(self) -> None:
        events = self._buffer.take()
        lost, self._buffer.lost = self._buffer.lost, 0
        self._count_lost('buffer_full', lost)
        if not events:
            return
        rows, errors = self._in_thread(make_rows, self._maker, events)
        self._backlog.rows += rows
        if errors:
            log.error('recorder_rows_failed', events=len(errors), error=errors[0])
            self._count_lost('unwritable', len(errors))

    def _write(self) -> None:
        rows = self._backlog.rows
        state = self._due_state()
        if not (rows or state or self._identity_news or self._problem):
            return
        started = time.monotonic()
        try:
            self._open_store()
            unwritable = self._store.write(rows, self._identity_news, state)
        except (DatabaseError, OSError) as error:
            self._failed(error)
            return
        written = len(rows) - unwritable
        self._in_thread(forget, rows)
        self._identity_news = {}
        self._written += written
        self._count_lost('unwritable', unwritable)
        self._observer.recorder_flushed(written, time.monotonic() - started)
        self._succeeded()

    def _open_store(self) -> None:
        if self._store.is_open:
            self._store.rotate_if_due(self._identity)
        else:
            self._store.open(self._identity)

    def _due_state(self) -> tuple[float, str] | None:
        if time.monotonic() < self._state_due:
            return None
        self._state_due = time.monotonic() + STATE_SECONDS
        return time.time(), self._in_thread(_as_json, self._snapshot())

    def _failed(self, error: BaseException) -> None:
        """Leave the file alone from now on: the next attempt is at a new one."""
        self._failures += 1
        self._retry_at = time.monotonic() + delay_seconds(
            self._failures, self._settings.flush_seconds, _BACKOFF_MAX_SECONDS
        )
        if not self._problem:
            log.error('recorder_can_not_write', error=str(error), buffered=self.state.buffered)
            self._problem_since = time.time()
        self._problem = str(error)
        self._observer.recorder_retried(self._problem)
        self._store.close()

    def _succeeded(self) -> None:
        if self._problem:
            log.warning(
                'recorder_writes_again',
                file=str(self._store.path),
                seconds=round(time.time() - (self._problem_since or 0), 1),
                dropped=self.state.dropped,
            )
        self._failures, self._retry_at = 0, 0.0
        self._problem, self._problem_since = '', None

    def _count_lost(self, reason: str, count: int) -> None:
        if count:
            self._dropped[reason] += count
            self._observer.recorder_dropped(count, reason)


def _as_json(snapshot: WorkerSnapshot) -> str:
    return text.masked_json(dataclasses.asdict(snapshot))


def make_rows(maker: EventRows, events: list[RawEvent]) -> tuple[list[Row], list[str]]:
    """Return the rows of events, and the errors of those that have none; forget the events.

    For a native thread, which lets go of the GIL every fraction of a millisecond.
    """
    rows: list[Row] = []
    errors: list[str] = []
    for start in range(0, len(events), _CHUNK):
        for event in events[start : start + _CHUNK]:
            # Let no event, however odd, take the others along.
            try:
                getattr(maker, event[0])(event, rows)
            except Exception as error:
                errors.append(f'{type(error).__name__}: {error}')
        give_way()
    try:
        maker.finish(rows)
    except Exception as error:
        errors.append(f'{type(error).__name__}: {error}')
    forget(events)
    return rows, errors


def forget(values: list[Any]) -> None:
    """Empty a list bit by bit: to free what tens of thousands hold takes milliseconds."""
    while values:
        del values[-_CHUNK:]
        give_way()
