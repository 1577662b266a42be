"""The contract of an executor pool."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any

from drakkar.models.snapshot import PoolSnapshot
from drakkar.models.task import ExecutorTask, TaskOutcome

OnDone = Callable[[TaskOutcome], None]


class TaskHandle(abc.ABC):
    """One submitted run."""

    @abc.abstractmethod
    def cancel(self) -> None:
        """Give the run up: drop it if it waits, kill its process group if it runs.

        Never waits. `on_done` is then called with kind CANCELLED, unless the run
        was already over.
        """


class Executor(abc.ABC):
    """Runs tasks in a bounded number of slots, waiting ones in priority order."""

    @abc.abstractmethod
    def start(self) -> None:
        """Make the slots. Raises ConfigError where the program can not be run at all."""

    @abc.abstractmethod
    def submit(
        self, task: ExecutorTask, priority: Any, on_done: OnDone, attempt: int = 1
    ) -> TaskHandle:
        """Queue one run; smaller `priority` goes first, ties in order of submission.

        Never waits. `on_done(outcome)` is called exactly once, in a slot's
        greenlet, after the slot is free again; it must not wait. Every submitted
        run ends: by exit, timeout, spawn failure or cancellation.
        """

    @abc.abstractmethod
    def snapshot(self) -> PoolSnapshot:
        """Return the pool's state; never waits."""

    @abc.abstractmethod
    def close(self) -> None:
        """Cancel what waits, kill what runs, reap every child. Idempotent."""
