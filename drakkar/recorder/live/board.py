"""Hears the pipeline and keeps what the live page shows, for whoever looks."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from drakkar.contracts.observer import Observer
from drakkar.models.group import MessageGroup
from drakkar.models.http import HTTP_ORIGIN, HTTP_PARTITION, HttpRequest
from drakkar.models.message import SourceMessage, TopicPartition
from drakkar.models.payload import Payload
from drakkar.models.snapshot import PoolSnapshot
from drakkar.models.task import ExecutorError, ExecutorResult, ExecutorTask, FailureKind
from drakkar.recorder.live.bars import CANCELLED, COMPLETED, FAILED, Bars
from drakkar.recorder.live.calls import MESSAGES_NAMED, ArrangeCall, Collected, count_outputs
from drakkar.recorder.live.gist import TaskGist, request_name

BARS = 10_000
CALLS = 200
BARS_IN_SNAPSHOT = 500
BARS_IN_DELTA = 1000


class LiveBoard(Observer):
    """A bounded memory of the last tasks and calls.

    Hearing costs microseconds: references are kept, and nothing is formatted before
    somebody looks. Everything that can be seen has a revision, so a client that has a
    `snapshot` follows with `delta(since)` and fills in the past with `before`. Deltas
    say the same again where they are applied twice.

    `pool` returns the executor's state, `label` names a message, `min_duration` is the
    shortest run that is shown, in seconds; failures always are.
    """

    def __init__(
        self,
        pool: Callable[[], PoolSnapshot],
        label: Callable[[SourceMessage], str],
        min_duration: float,
        bars: int = BARS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._pool = pool
        self._label = label
        self._min_duration = min_duration
        self._clock = clock
        self._revision = 0
        self._limit = bars
        self._bars = Bars(bars, min_duration, self._next, clock)
        self._arranged: deque[ArrangeCall] = deque(maxlen=CALLS)
        self._collected: deque[Collected] = deque(maxlen=CALLS)

    # What is heard

    def task_started(
        self, task: ExecutorTask, slot: int, pid: int, queue_seconds: float, spawn_seconds: float
    ) -> None:
        self._bars.started(task, slot, pid, spawn_seconds)

    def task_completed(self, result: ExecutorResult) -> None:
        self._bars.ended(result, COMPLETED)

    def task_failed(self, error: ExecutorError, action: str) -> None:
        state = CANCELLED if error.kind is FailureKind.CANCELLED else FAILED
        self._bars.ended(error, state, action)

    def arranged(
        self,
        partition: TopicPartition,
        messages: Sequence[SourceMessage],
        tasks: Sequence[ExecutorTask],
        duration: float,
    ) -> None:
        call = ArrangeCall(
            self._next(),
            self._clock(),
            partition.partition,
            messages[0].offset,
            messages[-1].offset,
            len(messages),
            [self._name(message) for message in messages[:MESSAGES_NAMED]],
            len(tasks),
            duration,
        )
        self._arranged.append(call)

    def http_arranged(
        self, request: HttpRequest, tasks: Sequence[ExecutorTask], duration: float
    ) -> None:
        call = ArrangeCall(
            self._next(),
            self._clock(),
            HTTP_PARTITION,
            request.number,
            request.number,
            1,
            [request.label],
            len(tasks),
            duration,
            request_name(request.client_name, request.request_id),
        )
        self._arranged.append(call)

    def task_complete(
        self, result: ExecutorResult, payloads: Sequence[Payload], duration: float
    ) -> None:
        task = TaskGist.of(result.task)
        self._collect('on_task_complete', task.partition, task.offset, 1, task, payloads, duration)

    def message_complete(self, group: MessageGroup, payloads: Sequence[Payload]) -> None:
        if payloads:
            message = group.source_message
            task = None
            if group.origin == HTTP_ORIGIN:
                who = (group.client_name, group.request_id)
                task = TaskGist('', HTTP_ORIGIN, *who, message.partition, message.offset, {})
            self._collect(
                'on_message_complete',
                message.partition,
                message.offset,
                1,
                task,
                payloads,
                group.duration_seconds,
            )

    def window_complete(
        self,
        partition: TopicPartition,
        messages: Sequence[SourceMessage],
        payloads: Sequence[Payload],
        duration: float,
    ) -> None:
        if payloads:
            first = messages[0].offset
            self._collect(
                'on_window_complete',
                partition.partition,
                first,
                len(messages),
                None,
                payloads,
                duration,
            )

    # What is seen

    def snapshot(self) -> dict[str, Any]:
        """Return the present state: all that runs, the last calls and the last bars.

        `earlier` is the revision before which `before` has more bars, 0 where there
        are none.
        """
        frame = self._frame()
        over = self._bars.before(self._revision + 1, BARS_IN_SNAPSHOT)
        return frame | {
            'revision': self._revision,
            'min_duration': self._min_duration,
            'limits': {'bars': self._limit, 'calls': CALLS},
            'bars': [bar.view() for bar in (*over, *self._bars.running())],
            'earlier': self._earlier(over),
            'arranged': [call.view() for call in self._arranged],
            'collected': [call.view() for call in self._collected],
        }

    def delta(self, since: int) -> dict[str, Any]:
        """Return what changed after revision `since`, up to `revision`, oldest first.

        Not more than BARS_IN_DELTA bars at once; the rest comes with the next call.
        Who has not seen everything up to the `since` of the answer needs a snapshot: it
        is beyond the one asked for where bars in between made room for newer ones.
        """
        frame = self._frame()
        since = max(since, self._bars.dropped)
        bars, upto = self._bars.changed(since), self._revision
        if len(bars) > BARS_IN_DELTA:
            bars = bars[:BARS_IN_DELTA]
            upto = bars[-1].revision
        return frame | {
            'since': since,
            'revision': upto,
            'bars': [bar.view() for bar in bars],
            'arranged': [call.view() for call in _between(self._arranged, since, upto)],
            'collected': [call.view() for call in _between(self._collected, since, upto)],
        }

    def before(self, revision: int, limit: int = BARS_IN_SNAPSHOT) -> dict[str, Any]:
        """Return the last bars over before `revision`, and where to ask for earlier ones."""
        bars = self._bars.before(revision, limit)
        return {'bars': [bar.view() for bar in bars], 'earlier': self._earlier(bars)}

    def _frame(self) -> dict[str, Any]:
        pool = self._pool()
        self._bars.look(frozenset(pool.busy_slots))
        return {
            'now': round(self._clock(), 3),
            'pool': {
                'slots': pool.max_executors,
                'active': pool.active,
                'waiting': pool.waiting,
                'idle_slot_seconds': round(pool.idle_slot_seconds, 3),
            },
        }

    def _earlier(self, bars: Sequence[Any]) -> int:
        over = self._bars.over
        if not bars or bars[0].revision == over[0].revision:
            return 0
        return int(bars[0].revision)

    def _next(self) -> int:
        self._revision += 1
        return self._revision

    def _name(self, message: SourceMessage) -> str:
        try:
            return str(self._label(message))
        except Exception:  # the pipeline reports it, where it logs a message
            return message.label

    def _collect(
        self,
        hook: str,
        partition: int,
        offset: int,
        messages: int,
        task: TaskGist | None,
        payloads: Sequence[Payload],
        duration: float,
    ) -> None:
        self._collected.append(
            Collected(
                self._next(),
                self._clock(),
                hook,
                partition,
                offset,
                messages,
                task,
                count_outputs(payloads),
                duration,
            )
        )


def _between(calls: Iterable[Any], since: int, upto: int) -> list[Any]:
    return [call for call in calls if since < call.revision <= upto]
