"""The executor pool: a bounded number of programs at once, waiting ones by priority."""

from __future__ import annotations

import heapq
import os
from collections import deque
from collections.abc import Mapping
from time import monotonic
from typing import Any

import gevent
import structlog
from gevent.hub import get_hub

from drakkar.contracts.executor import Executor, OnDone
from drakkar.contracts.observer import Observer
from drakkar.executor.gate import Gate
from drakkar.executor.guard import Guard
from drakkar.executor.launch import Launcher
from drakkar.executor.run import Run
from drakkar.executor.slot import Slot, notify
from drakkar.greenlets import NamedGreenlet, Nursery
from drakkar.models.snapshot import PoolSnapshot
from drakkar.models.task import ExecutorTask, FailureKind

log = structlog.get_logger('drakkar.executor')

# Killed programs end within milliseconds; more only where one hangs in the kernel.
_CLOSE_SECONDS = 10.0


class ProcessPool(Executor):
    """Runs each task as a new process in one of `max_executors` slots.

    `options` are those of section [executor]; `environ` is what programs may
    inherit. Slots are greenlets `executor-slot-N` of `nursery`; runs that are
    given up before they had a slot are reported by `executor-cancelled`.
    """

    def __init__(
        self,
        options: Any,
        observer: Observer,
        nursery: Nursery,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        token = os.urandom(16).hex()
        self._max_executors = options.max_executors
        self._observer = observer
        self._nursery = nursery
        self._launcher = Launcher(options, environ, token)
        self._guard = Guard(token)
        self._gate: Gate[Run] = Gate()
        self._slots: list[Slot] = []
        self._idle: list[int] = []  # a heap: the lowest free slot works first
        self._greenlets: list[NamedGreenlet] = []
        self._dropped: deque[Run] = deque()
        self._teller: NamedGreenlet | None = None
        self._started_at = 0.0
        self._loop: Any = None
        self._warned = False
        self._closing = False

    def start(self) -> None:
        """Make the slots. Raises ConfigError where the configured program can not be run."""
        self._launcher.start()
        self._loop = get_hub().loop
        self._guard.start()
        self._started_at = monotonic()
        for index in range(self._max_executors):
            slot = Slot(index, self._launcher, self._observer, self._gate.pop, self._park)
            self._slots.append(slot)
            self._greenlets.append(self._nursery.spawn(f'executor-slot-{index}', slot.serve))

    def submit(self, task: ExecutorTask, priority: Any, on_done: OnDone, attempt: int = 1) -> Run:
        """See Executor. After `close` the run ends as cancelled."""
        run = Run(task, on_done, attempt, monotonic(), self._drop)
        run.ticket = self._gate.push(run, priority)
        if self._closing:
            self._drop(run)
            return run
        if self._gate.incomparable and not self._warned:
            self._warned = True
            log.warning('task_priority_incomparable', priority=repr(priority)[:200])
        if self._idle:
            self._wake_one()
        return run

    def snapshot(self) -> PoolSnapshot:
        """Return the pool's state; never waits."""
        now = monotonic()
        busy = [slot for slot in self._slots if slot.busy_since]
        used = sum(now - slot.busy_since for slot in busy)
        used += sum(slot.busy_seconds for slot in self._slots)
        available = len(self._slots) * (now - self._started_at)
        return PoolSnapshot(
            self._max_executors,
            len(busy),
            len(self._gate),
            max(0.0, available - used),
            [slot.index for slot in busy],
        )

    def close(self) -> None:
        """End all runs as cancelled, kill and reap all programs, within seconds. Idempotent."""
        if self._closing:
            return
        self._closing = True
        for run in self._gate.clear():
            self._report_dropped(run)
        for slot in self._slots:
            slot.stop()
            self._loop.run_callback(slot.wake)
        current = gevent.getcurrent()
        mine = [g for g in (*self._greenlets, self._teller) if g is not None and g is not current]
        gevent.joinall(mine, timeout=_CLOSE_SECONDS)
        gevent.killall(mine, timeout=_CLOSE_SECONDS)
        self._guard.stop()
        self._launcher.close()

    def _park(self, index: int) -> None:
        heapq.heappush(self._idle, index)

    def _wake_one(self) -> None:
        while self._idle:
            slot = self._slots[heapq.heappop(self._idle)]
            if not slot.greenlet.dead:
                self._loop.run_callback(slot.wake)
                return

    def _drop(self, run: Run) -> None:
        if self._gate.cancel(run.ticket) is not None:
            self._report_dropped(run)

    def _report_dropped(self, run: Run) -> None:
        # Not in the caller's greenlet, which may be in the middle of anything, and not in a
        # slot's: all of them may be busy for long.
        run.queue_seconds = monotonic() - run.submitted_at
        self._dropped.append(run)
        if self._teller is None or self._teller.dead:
            self._teller = self._nursery.spawn('executor-cancelled', self._tell_dropped)

    def _tell_dropped(self) -> None:
        while self._dropped:
            run = self._dropped.popleft()
            notify(run, run.not_run(FailureKind.CANCELLED, 'cancelled before it started'))
