"""A recorder under test, events to note, and a look at what is on the disk."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from drakkar.contracts.observer import Observer
from drakkar.models.actions import Action
from drakkar.models.delivery import (
    CancelScope,
    DeadLetter,
    DeliveryFailure,
    Provenance,
    SinkRef,
)
from drakkar.models.group import MessageGroup
from drakkar.models.message import SourceMessage, TopicPartition
from drakkar.models.snapshot import WorkerSnapshot
from drakkar.models.task import ExecutorError, ExecutorResult, ExecutorTask, FailureKind
from drakkar.recorder import Recorder, RecorderSettings

SINK = SinkRef('fake', 'main')
PLACE = TopicPartition('requests', 3)
NEVER = 3600.0


class Told(Observer):
    """What the recorder says of itself."""

    def __init__(self) -> None:
        self.flushed = 0
        self.retried: list[str] = []
        self.dropped: dict[str, int] = {}

    def recorder_flushed(self, events: int, duration: float) -> None:
        assert duration >= 0
        self.flushed += events

    def recorder_retried(self, error: str) -> None:
        self.retried.append(error)

    def recorder_dropped(self, events: int, reason: str) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + events


def settings(folder: Path | None, **values: Any) -> RecorderSettings:
    """Settings that write only when `flush` is called, and everything."""
    usual = {'flush_seconds': NEVER, 'output_min_seconds': 0.0, 'busy_seconds': 0.1}
    return RecorderSettings(db_dir=folder, **{**usual, **values})


def make(folder: Path | None, told: Told | None = None, **values: Any) -> Recorder:
    """A recorder of worker `w1`, or of what `worker` says."""
    identity = {'worker_id': values.pop('worker', 'w1'), 'source': 'memory'}
    snapshot = WorkerSnapshot('w1', 'main', 1.0)
    return Recorder(settings(folder, **values), identity, lambda: snapshot, told)


@contextmanager
def recording(folder: Path | None, told: Told | None = None, **values: Any) -> Iterator[Recorder]:
    """A recorder that runs, stopped at the end."""
    recorder = make(folder, told, **values)
    recorder.start()
    try:
        yield recorder
    finally:
        recorder.stop()


def message(offset: int = 7, partition: int = 3) -> SourceMessage:
    return SourceMessage('requests', partition, offset, b'{}')


def task(*offsets: int, **values: Any) -> ExecutorTask:
    fields = {'topic': 'requests', 'partition': 3, 'origin': 'memory', **values}
    return ExecutorTask(fields.pop('args', ['a']), offsets or (7,), **fields)


def result(of: ExecutorTask | None = None, seconds: float = 1.0, **values: Any) -> ExecutorResult:
    return ExecutorResult(of or task(), duration_seconds=seconds, pid=99, slot=1, **values)


def failure(of: ExecutorTask | None = None, **values: Any) -> ExecutorError:
    fields = {'kind': FailureKind.EXIT, 'exit_code': 2, 'pid': 99, **values}
    return ExecutorError(of or task(), **fields)


def origin(*offsets: int, partition: int = 3, task_id: str = '') -> Provenance:
    messages = [message(o, partition) for o in offsets]
    return Provenance(messages, CancelScope(), 'on_task_complete', task_id)


def group(*tasks: ExecutorTask) -> MessageGroup:
    return MessageGroup(message(), list(tasks), started_at=1.0, finished_at=3.5, origin='memory')


def note(recorder: Recorder, count: int, first: int = 0) -> None:
    """Note `count` events, each with its number as offset."""
    for number in range(first, first + count):
        recorder.observer.consumed([message(number)])


def offsets(path: Path) -> list[int]:
    """The offsets of a file's events, in order, read as any other tool would."""
    with closing(sqlite3.connect(f'file:{path}?mode=ro', uri=True)) as connection:
        return [o for (o,) in connection.execute('SELECT offset FROM events ORDER BY id')]


def all_offsets(folder: Path) -> list[int]:
    """The offsets of all files, the oldest file first."""
    return [offset for path in databases(folder) for offset in offsets(path)]


def databases(folder: Path) -> list[Path]:
    found = [p for p in folder.glob('*.db') if not p.is_symlink()]
    return sorted(found)


def rows(recorder: Recorder) -> list[dict[str, Any]]:
    """All that was recorded, with metadata parsed and empty columns left out."""
    recorder.flush()

    def read(connection: sqlite3.Connection) -> list[dict[str, Any]]:
        return [dict(row) for row in connection.execute('SELECT * FROM events ORDER BY id')]

    found = []
    for row in recorder.read(read):
        kept = {k: v for k, v in row.items() if v is not None and k not in ('id', 'ts')}
        for name in ('metadata', 'args', 'labels'):
            if name in kept:
                kept[name] = json.loads(kept[name])
        found.append(kept)
    return found


def tell_everything(recorder: Recorder) -> None:
    """Let the recorder hear every event that it records."""
    hear = recorder.observer
    hear.consumed([message(1), message(2)])
    hear.assigned([PLACE])
    hear.revoked([PLACE], lost=True)
    hear.committed({PLACE: 9})
    hear.backpressure(True, 40)
    hear.backpressure(False, 3)
    hear.parse_failed(message(), 'no JSON')
    hear.arranged(PLACE, [message(1), message(2)], [task(1), task(2)], 0.5)
    hear.task_started(task(), 0, 11, 0.1, 0.01)
    hear.task_completed(result())
    hear.task_failed(failure(), 'retry')
    hear.task_retried(task(), 2, 0.25)
    hear.task_complete(result(), [], 0.01)
    hear.message_complete(group(task()), [])
    hear.window_complete(PLACE, [message(1), message(2)], [], 0.75)
    hear.produced(SINK, [None], origin(7))
    hear.sink_delivered(SINK, [None], 0.2, [origin(7)])
    hear.sink_error(DeliveryFailure(SINK, [None], OSError('gone')), Action.DLQ, origin(7))
    hear.dlq_sent([DeadLetter(message(), 'deliver', 'gone', sink=SINK)])
    hear.circuit_opened(SINK, 'refused')
    hear.circuit_closed(SINK)
    hear.periodic_run('clean', 0.3, '')
    hear.runtime_stall(0.2, 'x.py:3 f')
    hear.annotation({'note': 1})
