"""One place of the pool: a greenlet that runs one program after the other."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

import gevent
import structlog
from gevent import getcurrent
from gevent.hub import get_hub

from drakkar.contracts.observer import Observer
from drakkar.executor.launch import Launcher, LaunchError
from drakkar.executor.process import Process
from drakkar.executor.run import Run
from drakkar.models.task import ExecutorResult, FailureKind, TaskOutcome

log = structlog.get_logger('drakkar.executor')


class Slot:
    """Takes runs from `next_run` while there are any, then sleeps until `wake`.

    `park(index)` is called before it sleeps. A killed greenlet ends its run as
    cancelled before it dies.
    """

    def __init__(
        self,
        index: int,
        launcher: Launcher,
        observer: Observer,
        next_run: Callable[[], Run | None],
        park: Callable[[int], None],
    ) -> None:
        self.index = index
        self.busy_since = 0.0  # 0 while free
        self.busy_seconds = 0.0
        self.greenlet: Any = None
        self._launcher = launcher
        self._observer = observer
        self._next_run = next_run
        self._park = park
        self._parked = False
        self._stopping = False
        self._process: Process | None = None

    def serve(self) -> None:
        """Run until `stop`; the body of the slot's greenlet."""
        self.greenlet = getcurrent()
        hub = get_hub()
        while not self._stopping:
            run = self._next_run()
            if run is not None:
                self._serve_one(run)
                continue
            self._park(self.index)
            self._parked = True
            try:
                hub.switch()
            finally:
                self._parked = False

    def wake(self) -> None:
        """Look for work again. Called in the hub."""
        if self._parked:
            self.greenlet.switch()

    def stop(self) -> None:
        """Kill what runs and take nothing more; the caller wakes and joins."""
        self._stopping = True
        if self._process is not None:
            self._process.cancel()

    def _serve_one(self, run: Run) -> None:
        self.busy_since = began = monotonic()
        run.slot = self.index
        run.queue_seconds = began - run.submitted_at
        try:
            process = self._launcher.launch(run.task)
        except LaunchError as error:
            self._free()
            notify(run, run.not_run(FailureKind.SPAWN, str(error)))
            gevent.sleep(0)  # nothing else here lets the hub run
            return
        run.process = self._process = process
        timeout = self._launcher.timeout(run.task)
        try:
            self._tell_started(run, process.pid, monotonic() - began)
            process.wait(timeout)
        except gevent.GreenletExit:
            process.stopped_by = FailureKind.CANCELLED
            self._stopping = True
        finally:
            self._end(run, process)
        notify(run, run.outcome(process, timeout, monotonic() - began))

    def _end(self, run: Run, process: Process) -> None:
        try:
            process.release()
        except gevent.GreenletExit:  # killed once more while the child was dying
            self._stopping = True
        finally:
            run.process = self._process = None  # from here on there is nothing to cancel
            self._free()

    def _free(self) -> None:
        self.busy_seconds += monotonic() - self.busy_since
        self.busy_since = 0.0

    def _tell_started(self, run: Run, pid: int, spawn_seconds: float) -> None:
        try:
            self._observer.task_started(run.task, self.index, pid, run.queue_seconds, spawn_seconds)
        except Exception:
            log.exception('observer_failed', event_name='task_started')


def notify(run: Run, outcome: TaskOutcome) -> None:
    """Call the run's `on_done`, whose errors are not the pool's."""
    try:
        run.on_done(outcome)
    except Exception:
        log.exception(
            'on_done_failed', task_id=run.task.task_id, ok=isinstance(outcome, ExecutorResult)
        )
