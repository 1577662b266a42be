"""Brings the tasks of one partition to their end, and messages with them."""

from __future__ import annotations

import functools
import time
import traceback
from collections.abc import Callable, Sequence

import gevent
import structlog

from drakkar import backoff
from drakkar.greenlets import Nursery
from drakkar.models.delivery import CancelScope, DeadLetter, Provenance
from drakkar.models.group import MessageGroup
from drakkar.models.message import SourceMessage
from drakkar.models.payload import Payload
from drakkar.models.task import (
    ExecutorError,
    ExecutorResult,
    ExecutorTask,
    FailureKind,
    PendingContext,
    TaskOutcome,
)
from drakkar.pipeline.outcome import Verdict, judge
from drakkar.pipeline.parts import Parts
from drakkar.pipeline.state import Hold, MessageState, TaskRun, Window

log = structlog.get_logger('drakkar.completion')

_LABELS_SHOWN = 5  # of a task's messages, in a log line


class Completion:
    """Submits tasks, decides on their outcomes, and tells when messages are complete.

    Each outcome is handled in a greenlet of its own, so that a hook that waits
    holds neither a slot nor another task's hooks.
    """

    def __init__(
        self,
        parts: Parts,
        scope: CancelScope,
        greenlets: Nursery,
        complete: Callable[[Sequence[SourceMessage]], None],
    ) -> None:
        self._parts = parts
        self._scope = scope
        self._greenlets = greenlets
        self._complete = complete
        self._runs: dict[str, TaskRun] = {}
        self.in_flight: dict[str, ExecutorTask] = {}

    def start(self, window: Window, tasks: Sequence[ExecutorTask]) -> None:
        """Start a window's tasks. Messages that no task names are complete at once."""
        runs = [self._adopt(task, window) for task in tasks]
        for run in runs:
            self._submit(run)
        for state in window.states.values():
            if not state.open_tasks and state.group is None:
                self._spawn_end(state)

    def cancel(self) -> None:
        """Kill every run. The scope is cancelled already, so nothing follows from it."""
        for run in list(self._runs.values()):
            if run.handle is not None:
                run.handle.cancel()

    def dead_letter(
        self,
        states: Sequence[MessageState],
        stage: str,
        error: BaseException | str,
        run: TaskRun | None = None,
        attempts: int = 1,
    ) -> None:
        """Send messages to the dead letter queue.

        For messages in a window this is one more hold; for others (no window yet)
        it is their whole end.
        """
        trace = '' if isinstance(error, str) else ''.join(traceback.format_exception(error))
        now = time.time()
        labels = run.task.labels if run else {}
        task_id = run.task.task_id if run else ''
        messages = [state.message for state in states]
        letters = [
            DeadLetter(
                message,
                stage,
                str(error) or repr(error),
                traceback=trace,
                task_id=task_id,
                labels=labels,
                attempts=attempts,
                time=now,
            )
            for message in messages
        ]
        provenance = Provenance(messages, self._scope, stage, task_id, labels)
        self._parts.delivery.dead_letter(letters, provenance, Hold(states, self._release))
        for state in states:
            if state.window is None:
                self._release(state)

    # Tasks

    def _adopt(self, task: ExecutorTask, window: Window) -> TaskRun:
        """Bind a task to the messages it serves."""
        states = [window.states[offset] for offset in dict.fromkeys(task.source_offsets)]
        first = states[0].message
        parts = self._parts
        task.origin = parts.origin
        task.client_name = parts.client_name
        task.request_id = parts.request_id
        task.topic = first.topic
        task.partition = first.partition
        for state in states:
            group = state.group
            if group is None:
                state.group = group = self._group(state)
            group.tasks.append(task)
            state.open_tasks += 1
        run = TaskRun(task, states, window)
        self._runs[task.task_id] = run
        self.in_flight[task.task_id] = task
        return run

    def _group(self, state: MessageState) -> MessageGroup:
        parts = self._parts
        return MessageGroup(
            state.message,
            started_at=state.window.started if state.window else 0.0,
            origin=parts.origin,
            client_name=parts.client_name,
            request_id=parts.request_id,
        )

    def _submit(self, run: TaskRun) -> None:
        task = run.task
        if task.precomputed is not None:
            self._ended(run, _precomputed(run))
            return
        priority = self._parts.hooks.priority(task)
        run.handle = self._parts.executor.submit(
            task, priority, functools.partial(self._ended, run), run.attempt
        )

    def _ended(self, run: TaskRun, outcome: TaskOutcome) -> None:
        """Called in the slot's greenlet: hand over at once."""
        run.handle = None
        if not self._scope.cancelled:
            self._greenlets.spawn('task-outcome', self._settle, run, outcome)
        # Nothing follows from it any more, but who was told of the start is told of the end.
        elif isinstance(outcome, ExecutorResult):
            self._parts.observer.task_completed(outcome)
        else:
            self._parts.observer.task_failed(outcome, 'cancelled')

    def _settle(self, run: TaskRun, outcome: TaskOutcome) -> None:
        if isinstance(outcome, ExecutorResult):
            self._succeeded(run, outcome)
        elif outcome.kind is FailureKind.CANCELLED:
            # Given up by us, not failed: its messages stay incomplete and come again.
            self._parts.observer.task_failed(outcome, 'cancelled')
        else:
            self._failed(run, outcome)

    def _succeeded(self, run: TaskRun, result: ExecutorResult) -> None:
        parts = self._parts
        parts.observer.task_completed(result)
        for state in run.states:
            if state.group is not None:
                state.group.results.append(result)
        if parts.hooks.has_window_complete:
            run.window.results.append(result)
        if parts.hooks.has_task_complete:
            started = time.perf_counter()
            try:
                payloads = parts.hooks.task_complete(result)
                parts.observer.task_complete(result, payloads, time.perf_counter() - started)
                self._deliver(payloads, run.states, 'on_task_complete', run.task)
            except Exception as error:
                self.dead_letter(run.states, 'hook', error, run)
        self._terminal(run)

    def _failed(self, run: TaskRun, error: ExecutorError) -> None:
        parts = self._parts
        replacements: Sequence[ExecutorTask] = ()
        try:
            answer = parts.hooks.on_error(run.task, error)
            outcome = judge(answer, run.attempt, parts.options.max_retries)
            verdict = outcome.verdict
            if verdict is Verdict.REPLACE:
                replacements = parts.hooks.check_replacements(
                    run.task, outcome.replacements, PendingContext(self.in_flight)
                )
        except Exception as hook_error:
            log.error('on_error_unusable', error=str(hook_error), task_id=run.task.task_id)
            verdict = Verdict.DEAD_LETTER
        parts.observer.task_failed(error, verdict.value)
        if verdict is Verdict.RETRY:
            self._retry(run)
            return
        if verdict is Verdict.REPLACE:
            self._replace(run, replacements)
        else:
            self._give_up(run, error, verdict)
        self._terminal(run)

    def _retry(self, run: TaskRun) -> None:
        """Queue the task again after its backoff; no slot is held meanwhile."""
        options = self._parts.options
        delay = backoff.delay_seconds(
            run.attempt, options.retry_backoff_seconds, options.retry_backoff_max_seconds
        )
        run.attempt += 1
        self._parts.observer.task_retried(run.task, run.attempt, delay)
        gevent.sleep(delay)
        self._submit(run)

    def _replace(self, run: TaskRun, replacements: Sequence[ExecutorTask]) -> None:
        for state in run.states:
            if state.group is not None:
                state.group.replaced += 1
        for replacement in [self._adopt(task, run.window) for task in replacements]:
            self._submit(replacement)

    def _give_up(self, run: TaskRun, error: ExecutorError, verdict: Verdict) -> None:
        for state in run.states:
            if state.group is not None:
                state.group.errors.append(error)
        log.warning(
            'task_failed',
            messages=[self._parts.hooks.label(s.message) for s in run.states[:_LABELS_SHOWN]],
            task_id=run.task.task_id,
            partition=run.task.partition,
            error=error.summary,
            attempts=run.attempt,
            action=verdict.value,
        )
        if verdict is Verdict.DEAD_LETTER:
            self.dead_letter(run.states, 'execute', error.summary, run, run.attempt)

    def _terminal(self, run: TaskRun) -> None:
        del self._runs[run.task.task_id]
        del self.in_flight[run.task.task_id]
        for state in run.states:
            state.open_tasks -= 1
            if not state.open_tasks:
                self._end(state)

    # Messages

    def _spawn_end(self, state: MessageState) -> None:
        """End a message without tasks; hooks, where there are any, must not hold the collector."""
        hooks = self._parts.hooks
        if hooks.has_message_complete or hooks.has_window_complete:
            self._greenlets.spawn('message-complete', self._end, state)
        else:
            self._end(state)

    def _end(self, state: MessageState) -> None:
        """All tasks of a message are terminal: run its hook, then its window's."""
        parts = self._parts
        group = state.group
        if group is None:
            group = state.group = self._group(state)
        group.finished_at = time.time()
        payloads: Sequence[Payload] = ()
        if parts.hooks.has_message_complete:
            try:
                payloads = parts.hooks.message_complete(group)
                self._deliver(payloads, [state], 'on_message_complete')
            except Exception as error:
                self.dead_letter([state], 'hook', error)
        parts.observer.message_complete(group, payloads)
        window = state.window
        assert window is not None, 'only messages of a window have tasks and hooks'
        window.open_messages -= 1
        if not parts.hooks.has_window_complete:
            self._release(state)
        if not window.open_messages:
            self._window_complete(window)

    def _window_complete(self, window: Window) -> None:
        parts = self._parts
        payloads: Sequence[Payload] = ()
        if parts.hooks.has_window_complete:
            states = list(window.states.values())
            try:
                payloads = parts.hooks.window_complete(window.results, window.messages)
                self._deliver(payloads, states, 'on_window_complete')
            except Exception as error:
                self.dead_letter(states, 'hook', error)
            for state in states:
                self._release(state)
        first = window.messages[0]
        parts.observer.window_complete(
            first.topic_partition, window.messages, payloads, time.time() - window.started
        )

    def _deliver(
        self,
        payloads: Sequence[Payload],
        states: Sequence[MessageState],
        hook: str,
        task: ExecutorTask | None = None,
    ) -> None:
        """Hand payloads to delivery; the messages wait for them. Raises RoutingError."""
        if not payloads or self._scope.cancelled:
            return
        provenance = Provenance(
            [state.message for state in states],
            self._scope,
            hook,
            task.task_id if task else '',
            task.labels if task else {},
        )
        hold = Hold(states, self._release)
        try:
            self._parts.delivery.submit(payloads, provenance, hold)
        except Exception:
            hold()  # nothing was queued
            raise

    def _release(self, state: MessageState) -> None:
        state.holds -= 1
        if not state.holds:
            self._complete([state.message])


def _precomputed(run: TaskRun) -> TaskOutcome:
    """Give a precomputed result the form of one from the pool."""
    ready = run.task.precomputed
    assert ready is not None, 'called for precomputed tasks only'
    kind = (
        ExecutorResult
        if ready.exit_code == 0
        else functools.partial(ExecutorError, kind=FailureKind.EXIT)
    )
    return kind(
        run.task,
        exit_code=ready.exit_code,
        stdout=ready.stdout,
        stderr=ready.stderr,
        duration_seconds=ready.duration_seconds,
        attempt=run.attempt,
    )
