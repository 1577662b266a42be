"""Hears the pipeline of one request, and keeps what its report says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from drakkar.contracts.observer import Observer
from drakkar.models.group import MessageGroup
from drakkar.models.http import Stage, TaskEnd
from drakkar.models.payload import Payload
from drakkar.models.task import ExecutorError, ExecutorResult, ExecutorTask


class Journal(Observer):
    """Passes on what is told of tasks; offsets and windows are of no interest to others."""

    def __init__(self, observer: Observer, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self.ends: dict[str, TaskEnd] = {}
        self.timeline: list[Stage] = []
        self.arranged_at: float | None = None
        self.executed_at: float | None = None
        # Plain passing on, without a call of ours in between.
        self.task_complete = observer.task_complete  # type: ignore[method-assign]
        self.hook_ran = observer.hook_ran  # type: ignore[method-assign]
        self.hook_failed = observer.hook_failed  # type: ignore[method-assign]
        self._observer = observer

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Enter the time that what runs inside takes."""
        started = self._clock()
        try:
            yield
        finally:
            self.timeline.append(Stage(name, self._clock() - started))

    def run_begins(self) -> None:
        """The tasks are submitted from now on."""
        self.arranged_at = self._clock()

    def run_ends(self) -> None:
        """Enter the time that programs and deliveries took, so far where they are not over."""
        if self.arranged_at is None:
            return
        now = self._clock()
        executed = self.executed_at or now
        self.timeline.append(Stage('execute', executed - self.arranged_at))
        if self.executed_at is not None:
            self.timeline.append(Stage('deliver', now - executed))
        self.arranged_at = None

    def task_completed(self, result: ExecutorResult) -> None:
        self._ended(result)
        self._observer.task_completed(result)

    def task_failed(self, error: ExecutorError, action: str) -> None:
        self._ended(error)
        self._observer.task_failed(error, action)

    def task_retried(self, task: ExecutorTask, attempt: int, delay: float) -> None:
        self._observer.task_retried(task, attempt, delay)

    def message_complete(self, group: MessageGroup, payloads: Sequence[Payload]) -> None:
        self.executed_at = self._clock()
        self._observer.message_complete(group, payloads)

    def _ended(self, run: ExecutorResult | ExecutorError) -> None:
        self.ends[run.task.task_id] = TaskEnd(run.exit_code, run.duration_seconds, run.attempt - 1)
