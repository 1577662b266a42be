"""A submitted task on its way through the pool, and what came of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from drakkar.contracts.executor import OnDone, TaskHandle
from drakkar.executor.process import Process
from drakkar.models.task import (
    ExecutorError,
    ExecutorResult,
    ExecutorTask,
    FailureKind,
    TaskOutcome,
)


class Run(TaskHandle):
    """What `submit` returns. Waits at the gate while it has a ticket and no process."""

    __slots__ = (
        '_drop',
        'attempt',
        'on_done',
        'process',
        'queue_seconds',
        'slot',
        'submitted_at',
        'task',
        'ticket',
    )

    def __init__(
        self,
        task: ExecutorTask,
        on_done: OnDone,
        attempt: int,
        submitted_at: float,
        drop: Callable[[Run], None],
    ) -> None:
        self.task = task
        self.on_done = on_done
        self.attempt = attempt
        self.submitted_at = submitted_at
        self.queue_seconds = 0.0
        self.slot = -1
        self.ticket = 0
        self.process: Process | None = None
        self._drop = drop

    def cancel(self) -> None:
        """See TaskHandle: kill it where it runs, drop it where it waits."""
        if self.process is not None:
            self.process.cancel()
        else:
            self._drop(self)

    def outcome(self, process: Process, timeout: float, duration: float) -> TaskOutcome:
        """Return what became of a program that is over; times in seconds."""
        stdout, stderr = process.stdout, process.stderr
        status = process.status
        code = None if status is None else os.waitstatus_to_exitcode(status)
        if code == 0 and process.stopped_by is None:
            return ExecutorResult(
                self.task,
                0,
                stdout.text(),
                stderr.text(),
                duration,
                process.pid,
                stdout.truncated,
                stderr.truncated,
                self.queue_seconds,
                self.slot,
                self.attempt,
            )
        kind, exception = _failure(process.stopped_by, code, timeout)
        return ExecutorError(
            self.task,
            kind,
            exit_code=code,
            stdout=stdout.text(),
            stderr=stderr.text(),
            exception=exception,
            pid=process.pid,
            duration_seconds=duration,
            stdout_truncated=stdout.truncated,
            stderr_truncated=stderr.truncated,
            queue_seconds=self.queue_seconds,
            slot=self.slot,
            attempt=self.attempt,
        )

    def not_run(self, kind: FailureKind, exception: str) -> ExecutorError:
        """Return the failure of a run whose program never started."""
        return ExecutorError(
            self.task,
            kind,
            exception=exception,
            queue_seconds=self.queue_seconds,
            slot=self.slot,
            attempt=self.attempt,
        )


def _failure(
    stopped_by: FailureKind | None, code: int | None, timeout: float
) -> tuple[FailureKind, str]:
    if stopped_by is FailureKind.TIMEOUT:
        return stopped_by, f'ran longer than {timeout:g} s'
    if stopped_by is not None:
        return stopped_by, 'cancelled'
    if code is None:  # killed, yet still in the kernel
        return FailureKind.KILLED, 'killed, but did not end'
    if code < 0:
        return FailureKind.KILLED, f'killed by {_signal_name(-code)}'
    return FailureKind.EXIT, ''


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f'signal {number}'
