"""The pool as one pipeline of several sees it."""

from __future__ import annotations

import functools
from typing import Any

import gevent
from gevent.event import Event

from drakkar.contracts.executor import Executor, OnDone, TaskHandle
from drakkar.models.snapshot import PoolSnapshot
from drakkar.models.task import ExecutorTask, TaskOutcome


class CountedExecutor(Executor):
    """A pool that others use too; knows how many runs of its own pipeline have not ended."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self.open = 0
        self._none_open = Event()
        self._none_open.set()

    def start(self) -> None:
        """The pool is running already."""

    def submit(
        self, task: ExecutorTask, priority: Any, on_done: OnDone, attempt: int = 1
    ) -> TaskHandle:
        handle = self._pool.submit(task, priority, functools.partial(self._done, on_done), attempt)
        self.open += 1
        self._none_open.clear()
        return handle

    def _done(self, on_done: OnDone, outcome: TaskOutcome) -> None:
        self.open -= 1
        if not self.open:
            self._none_open.set()
        on_done(outcome)

    def join(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds until no run is left; return whether so."""
        with gevent.Timeout(timeout, False):
            self._none_open.wait()
        return not self.open

    def snapshot(self) -> PoolSnapshot:
        return self._pool.snapshot()

    def close(self) -> None:
        """The pool lives on, for others."""
