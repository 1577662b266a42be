"""Hears the pipeline and notes what happened, in as few microseconds as it can.

A note is a tuple: the name of what will make a row of it, the time, and what belongs
to the event. It keeps no message, no payload and no output that will not be recorded:
all of these may be large, and a disk may be full for hours. Wherever it can, it holds
only texts, numbers and tuples of them: the garbage collector looks at such a tuple once
and never again, while tens of thousands of others would make its pauses long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from time import time
from typing import Any

from drakkar.models.actions import Action
from drakkar.models.delivery import DeadLetter, DeliveryFailure, Provenance, SinkRef
from drakkar.models.group import MessageGroup
from drakkar.models.message import SourceMessage, TopicPartition
from drakkar.models.payload import Payload
from drakkar.models.task import ExecutorError, ExecutorResult, ExecutorTask
from drakkar.recorder import text
from drakkar.recorder.buffer import Buffer, RawEvent
from drakkar.recorder.httpobserver import HttpObserver
from drakkar.recorder.rows import MAX_IDS
from drakkar.recorder.settings import RecorderSettings

_NO_PLACE = ('', -1)


class RecorderObserver(HttpObserver):
    """Notes events in `buffer`; tasks that were too short to be of interest are left out."""

    def __init__(self, buffer: Buffer, settings: RecorderSettings) -> None:
        super().__init__()
        self._add = buffer.add
        self._buffer = buffer
        self._task_min = settings.event_min_seconds
        self._output_min = settings.output_min_seconds
        self._output_chars = settings.output_max_bytes + text.MARGIN_CHARS
        # Starts that wait until their task is old enough, oldest first.
        self._held: dict[str, RawEvent] = {}
        self._attempts: dict[str, int] = {}

    def release_held(self) -> None:
        """Note the starts of tasks that run for long enough by now."""
        now = time()
        while self._held:
            task_id, event = next(iter(self._held.items()))
            if now - event[1] < self._task_min:
                return
            del self._held[task_id]
            self._add(event)

    # Source and partitions

    def consumed(self, messages: Sequence[SourceMessage]) -> None:
        first = messages[0]
        place = (first.topic, first.partition)
        self._add(('consumed', time(), place, _offsets(messages)))

    def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        self._add(('assigned', time(), list(partitions)))

    def revoked(self, partitions: Sequence[TopicPartition], lost: bool) -> None:
        self._add(('revoked', time(), list(partitions), lost))

    def committed(self, offsets: Mapping[TopicPartition, int]) -> None:
        self._add(('committed', time(), dict(offsets)))

    def backpressure(self, active: bool, total_queued: int) -> None:
        self._add(('backpressure', time(), active, total_queued))

    def parse_failed(self, message: SourceMessage, error: str) -> None:
        place = (message.topic, message.partition)
        self._add(('parse_failed', time(), place, message.offset, error))

    # Windows and tasks

    def arranged(
        self,
        partition: TopicPartition,
        messages: Sequence[SourceMessage],
        tasks: Sequence[ExecutorTask],
        duration: float,
    ) -> None:
        ids = tuple([task.task_id for task in islice(tasks, MAX_IDS)])
        offsets, count = _offsets(messages), len(tasks)
        self._add(('arranged', time(), tuple(partition), offsets, ids, count, duration))

    def task_started(
        self, task: ExecutorTask, slot: int, pid: int, queue_seconds: float, spawn_seconds: float
    ) -> None:
        attempt = self._attempts.get(task.task_id, 1) if self._attempts else 1
        event = (
            'task_started',
            time(),
            task,
            slot,
            pid,
            queue_seconds,
            spawn_seconds,
            attempt,
        )
        if self._task_min:
            self._held[task.task_id] = event
        else:
            self._add(event)

    def task_completed(self, result: ExecutorResult) -> None:
        task, duration = result.task, result.duration_seconds
        if self._attempts:
            self._attempts.pop(task.task_id, None)
        if self._task_min and not self._is_wanted(task, duration):
            return
        output = self._output(result) if duration >= self._output_min else None
        self._add(
            (
                'task_completed',
                time(),
                task,
                result.exit_code,
                result.pid,
                duration,
                result.queue_seconds,
                result.slot,
                result.attempt,
                output,
            )
        )

    def task_failed(self, error: ExecutorError, action: str) -> None:
        task = error.task
        if self._attempts and action != 'retry':
            self._attempts.pop(task.task_id, None)
        if self._held:
            self._let_go(task)
        self._add(
            (
                'task_failed',
                time(),
                task,
                error.exit_code,
                error.pid,
                error.duration_seconds,
                error.queue_seconds,
                error.slot,
                error.attempt,
                self._output(error),
                error.kind.value,
                action,
                error.exception,
            )
        )

    def task_retried(self, task: ExecutorTask, attempt: int, delay: float) -> None:
        self._attempts[task.task_id] = attempt
        self._add(('task_retried', time(), task, attempt, delay))

    def task_complete(
        self, result: ExecutorResult, payloads: Sequence[Payload], duration: float
    ) -> None:
        if result.duration_seconds >= self._task_min:
            count = len(payloads)
            self._add(('task_complete', time(), result.task, count, duration))

    def message_complete(self, group: MessageGroup, payloads: Sequence[Payload]) -> None:
        message = group.source_message
        self._add(
            (
                'message_complete',
                time(),
                message.topic,
                message.partition,
                message.offset,
                group.finished_at - group.started_at,
                len(group.tasks),
                len(group.results),
                len(group.errors),
                group.replaced,
                len(payloads),
                group.origin,
                group.client_name,
                group.request_id,
            )
        )

    def window_complete(
        self,
        partition: TopicPartition,
        messages: Sequence[SourceMessage],
        payloads: Sequence[Payload],
        duration: float,
    ) -> None:
        offsets, count = _offsets(messages), len(payloads)
        self._add(('window_complete', time(), tuple(partition), offsets, count, duration))

    # Delivery

    def produced(self, sink: SinkRef, payloads: Sequence[Payload], provenance: Provenance) -> None:
        place, offsets = _origin(provenance)
        self._add(
            (
                'produced',
                time(),
                sink.type,
                sink.name,
                len(payloads),
                provenance.hook,
                provenance.task_id,
                place,
                offsets,
            )
        )

    def sink_delivered(
        self,
        sink: SinkRef,
        payloads: Sequence[Payload],
        duration: float,
        provenances: Sequence[Provenance],
    ) -> None:
        origins = _origins(provenances)
        self._add(('sink_delivered', time(), sink, duration, len(payloads), origins))

    def sink_error(self, failure: DeliveryFailure, action: Action, provenance: Provenance) -> None:
        place, offsets = _origin(provenance)
        self._add(
            (
                'sink_error',
                time(),
                failure.sink,
                len(failure.payloads),
                failure.attempt,
                failure.refused,
                action.value,
                f'{type(failure.exception).__name__}: {failure.exception}',
                provenance.hook,
                provenance.task_id,
                place,
                offsets,
            )
        )

    def circuit_opened(self, sink: SinkRef, error: str) -> None:
        self._add(('circuit_opened', time(), sink, error))

    def circuit_closed(self, sink: SinkRef) -> None:
        self._add(('circuit_closed', time(), sink))

    def dlq_sent(self, letters: Sequence[DeadLetter]) -> None:
        noted = [
            (
                (letter.message.topic, letter.message.partition),
                letter.message.offset,
                letter.task_id,
                letter.stage,
                letter.sink,
                letter.attempts,
                letter.error,
                dict(letter.labels),
            )
            for letter in letters
        ]
        self._add(('dlq_sent', time(), noted))

    # Handler and worker

    def annotation(self, payload: Any) -> None:
        # At once, since the handler may go on to change it; annotations are few and small.
        self._add(('annotation', time(), text.masked_json(payload)))

    def periodic_run(self, name: str, duration: float, error: str) -> None:
        self._add(('periodic_run', time(), name, duration, error))

    def runtime_stall(self, duration: float, where: str) -> None:
        self._add(('runtime_stall', time(), duration, where))

    # What is left out

    def _is_wanted(self, task: ExecutorTask, duration: float) -> bool:
        """Return whether a run that ended well was long enough; note its start if it was held."""
        if duration < self._task_min:
            self._held.pop(task.task_id, None)
            return False
        self._let_go(task)
        return True

    def _let_go(self, task: ExecutorTask) -> None:
        event = self._held.pop(task.task_id, None)
        if event is not None:
            self._add(event)

    def _output(self, run: ExecutorResult | ExecutorError) -> tuple[Any, ...]:
        """Return stdout and stderr, cut roughly, whether each was cut, whether both are omitted."""
        limit = self._output_chars
        stdout, stderr = run.stdout[:limit], run.stderr[:limit]
        if not self._buffer.admits_output(len(stdout) + len(stderr)):
            return '', '', False, False, True
        return (
            stdout,
            stderr,
            run.stdout_truncated or len(run.stdout) > limit,
            run.stderr_truncated or len(run.stderr) > limit,
            False,
        )


def _offsets(messages: Sequence[SourceMessage]) -> tuple[int, ...]:
    return tuple([m.offset for m in messages])


def _origin(provenance: Provenance) -> tuple[tuple[str, int], tuple[int, ...]]:
    """Return the partition that payloads come from, and the offsets in it."""
    messages = provenance.messages
    if not messages:
        return _NO_PLACE, ()
    first = messages[0]
    place = (first.topic, first.partition)
    return place, (first.offset,) if len(messages) == 1 else _offsets(messages)


def _origins(
    provenances: Sequence[Provenance],
) -> dict[tuple[str, int], tuple[list[int], list[int], list[str]]]:
    """Return for each partition the offsets, payload counts and tasks behind the payloads.

    The payloads of one submission stand together, so its messages are looked at once.
    """
    found: dict[tuple[str, int], tuple[list[int], list[int], list[str]]] = {}
    before: Provenance | None = None
    counts: list[int] = []
    for provenance in provenances:
        if provenance is before:
            counts[-1] += 1
            continue
        before = provenance
        place, offsets = _origin(provenance)
        entry = found.get(place)
        if entry is None:
            entry = found[place] = ([], [], [])
        entry[0].extend(offsets)
        counts = entry[1]
        counts.append(1)
        if provenance.task_id:
            entry[2].append(provenance.task_id)
    return found
