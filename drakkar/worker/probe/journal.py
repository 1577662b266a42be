"""All that happened in one probe, in the order of the clock. Bounded."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from drakkar.contracts.observer import Observer
from drakkar.models.delivery import DeadLetter
from drakkar.models.message import SourceMessage, TopicPartition
from drakkar.models.task import ExecutorError, ExecutorResult, ExecutorTask, TaskOutcome
from drakkar.pipeline import hooks
from drakkar.worker.probe import shown

MAX_TASKS = 200  # shown in full; the others run as well, and are counted
MAX_ATTEMPTS = 20  # of one task
MAX_SPANS = 1000
MAX_HOOKS = 1000
MAX_ENTRIES = 200  # of annotations, of dead letters, of one call's payloads
MAX_EXCEPTIONS = 50
MAX_PAYLOADS = 2000  # of all calls
MAX_OUTPUT = 64 * 1024  # characters of stdout, of stderr, of a payload, of an annotation
MAX_TRACEBACK = 16 * 1024
# Of all outputs, payloads and annotations together: a report is one JSON document.
MAX_TOTAL = 4 * 1024 * 1024


@dataclass(slots=True)
class Span:
    """One bar of the waterfall; times in seconds, `start` since the probe's."""

    stage: str
    label: str
    start: float
    duration: float = 0.0
    failed: bool = False


@dataclass(slots=True)
class HookCall:
    """One call of a hook and the payloads that came of it."""

    hook: str
    task_id: str
    start: float
    duration: float | None = None  # None while it has not returned
    error: str = ''
    payloads: list[dict[str, Any]] = field(default_factory=list)
    more_payloads: int = 0


@dataclass(slots=True)
class Attempt:
    """One run of a task; `action` is what was decided where it failed."""

    attempt: int
    facts: dict[str, Any]
    action: str = ''


@dataclass(slots=True)
class TaskRecord:
    task: ExecutorTask
    attempts: list[Attempt] = field(default_factory=list)
    runs: int = 0


@dataclass(slots=True)
class Caught:
    """An exception of a hook; equal ones (retries) are counted, not repeated."""

    hook: str
    error: str
    traceback: str
    times: int = 1


class Journal(Observer):
    """Hears the probe's own pipeline; nobody else hears it."""

    def __init__(self) -> None:
        self.started_at = time.time()
        self._zero = time.perf_counter()
        self._left = MAX_TOTAL
        self.label = ''
        self.decoded: shown.Shown | None = None
        self.decode_error = ''
        self.tasks: dict[str, TaskRecord] = {}
        self.hooks: list[HookCall] = []
        self.spans: list[Span] = []
        self.dead_letters: list[DeadLetter] = []
        self.annotations: list[dict[str, Any]] = []
        self.exceptions: list[Caught] = []
        self.sinks: dict[str, int] = {}
        self.unroutable = 0
        self.complete = False
        self.left_out: dict[str, int] = {}
        self._calls: dict[tuple[str, str], HookCall] = {}
        self._last_call: HookCall | None = None
        self._payloads = 0

    @property
    def now(self) -> float:
        """Seconds since the probe began."""
        return time.perf_counter() - self._zero

    # Bounds

    def _room(self, kind: str, entries: Any, limit: int = MAX_ENTRIES) -> bool:
        if len(entries) < limit:
            return True
        self.left_out[kind] = self.left_out.get(kind, 0) + 1
        return False

    def snapshot(self, value: Any) -> shown.Shown:
        """Return a value as it is now, within what the report has left."""
        return self._paid(shown.data(value, min(MAX_OUTPUT, self._left)))

    def _paid(self, value: shown.Shown) -> shown.Shown:
        self._left = max(0, self._left - value.size)
        return value

    def _text(self, value: str, already_cut: bool) -> dict[str, Any]:
        text, cut = shown.text(value, min(MAX_OUTPUT, self._left))
        self._left -= len(text)
        return {'text': text, 'characters': len(value), 'truncated': cut or already_cut}

    # Told by the parts of a probe

    def span(self, stage: str, label: str, start: float, duration: float, failed: bool) -> None:
        if self._room('timeline', self.spans, MAX_SPANS):
            self.spans.append(Span(stage, label, start, duration, failed))

    def hook_begins(self, hook: str, task_id: str) -> HookCall:
        call = HookCall(hook, task_id, self.now)
        if self._room('hooks', self.hooks, MAX_HOOKS):
            self.hooks.append(call)
            self._calls[hook, task_id] = call
        return call

    def hook_ends(self, call: HookCall) -> None:
        call.duration = self.now - call.start
        self._last_call = call
        self.span(call.hook, call.task_id, call.start, call.duration, bool(call.error))

    def returned(self, hook: str, task_id: str, payload: Any, sink: str, error: str) -> None:
        """A hook returned a payload, for `sink` or, where that is empty, for none."""
        self.unroutable += bool(error)
        call = next(
            (c for c in reversed(self.hooks) if (c.hook, c.task_id) == (hook, task_id)), None
        )
        if call is None:
            return
        if error:
            call.error = error
        if len(call.payloads) >= MAX_ENTRIES or self._payloads >= MAX_PAYLOADS:
            call.more_payloads += 1
            return
        self._payloads += 1
        fields = self._paid(shown.payload(payload, min(MAX_OUTPUT, self._left)))
        call.payloads.append(
            {'type': type(payload).__name__, 'sink': sink, 'error': error, **fields.report()}
        )

    def dead_lettered(self, letters: Sequence[DeadLetter]) -> None:
        for letter in letters:
            if self._room('dead_letters', self.dead_letters):
                self.dead_letters.append(letter)

    def annotate(self, payload: Any) -> None:
        if self._room('annotations', self.annotations):
            self.annotations.append({'at': self.now, **self.snapshot(payload).report()})

    def record(self, task: ExecutorTask) -> TaskRecord | None:
        """Return the record of a task, a new one if need be; None beyond the limit."""
        known = self.tasks.get(task.task_id)
        if known is None and self._room('tasks', self.tasks, MAX_TASKS):
            known = self.tasks[task.task_id] = TaskRecord(task)
        return known

    def ran(self, outcome: TaskOutcome) -> None:
        """A run ended, or was precomputed. Told twice of one, it listens once."""
        record = self.record(outcome.task)
        if record is None or record.runs >= outcome.attempt:
            return
        record.runs = outcome.attempt
        if len(record.attempts) >= MAX_ATTEMPTS:
            self.left_out['attempts'] = self.left_out.get('attempts', 0) + 1
            return
        record.attempts.append(Attempt(outcome.attempt, self._facts(outcome)))

    def _facts(self, outcome: TaskOutcome) -> dict[str, Any]:
        status, exception = 'completed', ''
        if isinstance(outcome, ExecutorError):
            status, exception = outcome.kind.value, shown.line(outcome.exception, 2000)
        return {
            'status': status,
            'exit_code': outcome.exit_code,
            'exception': exception,
            'pid': outcome.pid,
            'slot': outcome.slot,
            'duration_seconds': outcome.duration_seconds,
            'queue_seconds': outcome.queue_seconds,
            'stdout': self._text(outcome.stdout, outcome.stdout_truncated),
            'stderr': self._text(outcome.stderr, outcome.stderr_truncated),
        }

    def caught(self, where: str, error: BaseException) -> None:
        """Keep an exception with its traceback."""
        trace = _traceback(error)
        trace = trace if len(trace) <= MAX_TRACEBACK else f'…{trace[-MAX_TRACEBACK:]}'
        found = Caught(
            where,
            f'{type(error).__name__}: {shown.line(shown.error_text(error), 2000)}',
            shown.text(trace, MAX_TRACEBACK + 1)[0],
        )
        for known in self.exceptions:
            if (known.hook, known.error, known.traceback) == (where, found.error, found.traceback):
                known.times += 1
                return
        if self._room('exceptions', self.exceptions, MAX_EXCEPTIONS):
            self.exceptions.append(found)

    # Heard from the pipeline

    def parse_failed(self, message: SourceMessage, error: str) -> None:
        self.decode_error = error

    def arranged(
        self,
        partition: TopicPartition,
        messages: Sequence[SourceMessage],
        tasks: Sequence[ExecutorTask],
        duration: float,
    ) -> None:
        for task in tasks:
            self.record(task)

    def task_completed(self, result: ExecutorResult) -> None:
        self.ran(result)

    def task_failed(self, error: ExecutorError, action: str) -> None:
        self.ran(error)
        record = self.tasks.get(error.task.task_id)
        for attempt in record.attempts if record else ():
            if attempt.attempt == error.attempt:
                attempt.action = action

    def task_retried(self, task: ExecutorTask, attempt: int, delay: float) -> None:
        self.span('backoff', task.task_id, self.now, delay, False)

    def message_done(self, message: SourceMessage) -> None:
        self.complete = True

    def hook_failed(self, hook: str, error: BaseException) -> None:
        self.caught(hook, error)
        call = self._last_call
        if call is not None and call.hook == hook and error.__traceback__ is None:
            call.error = shown.line(shown.error_text(error), 2000)  # it returned what it may not


def _traceback(error: BaseException) -> str:
    """Return a traceback that begins in the handler, empty for an error that nobody raised."""
    trace = error.__traceback__
    while trace and trace.tb_next and trace.tb_frame.f_globals.get('__name__') == hooks.__name__:
        trace = trace.tb_next
    return ''.join(traceback.format_exception(type(error), error, trace)) if trace else ''
