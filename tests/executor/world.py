"""A running pool, its programs, and what the tests ask of both."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gevent
from gevent.event import AsyncResult

from drakkar.config.sections.executor import ExecutorOptions
from drakkar.contracts.observer import Observer
from drakkar.executor.pool import ProcessPool
from drakkar.executor.run import Run
from drakkar.greenlets import Nursery
from drakkar.models.task import ExecutorTask, TaskOutcome

WAIT_SECONDS = 15.0


class Starts(Observer):
    """Remembers what was started."""

    def __init__(self) -> None:
        self.slots: list[int] = []
        self.pids: list[int] = []
        self.times: list[tuple[float, float]] = []

    def task_started(
        self, task: ExecutorTask, slot: int, pid: int, queue_seconds: float, spawn_seconds: float
    ) -> None:
        self.slots.append(slot)
        self.pids.append(pid)
        self.times.append((queue_seconds, spawn_seconds))


class Submitted:
    """One run of the pool under test."""

    def __init__(self) -> None:
        self.run: Run
        self._outcome: AsyncResult = AsyncResult()
        self.calls = 0
        self.greenlet = ''

    def done(self, outcome: TaskOutcome) -> None:
        self.calls += 1
        self.greenlet = gevent.getcurrent().name
        self._outcome.set(outcome)

    @property
    def over(self) -> bool:
        return self._outcome.ready()

    def outcome(self) -> Any:
        """Wait for what became of it; any of the two outcome types."""
        return self._outcome.get(timeout=WAIT_SECONDS)


class World:
    def __init__(
        self,
        programs: Path,
        environ: Mapping[str, str] = os.environ,
        start: bool = True,
        **options: Any,
    ) -> None:
        self.programs = programs
        self.died: list[tuple[str, BaseException]] = []
        self.observer = Starts()
        self.nursery = Nursery(lambda name, error: self.died.append((name, error)))
        section = ExecutorOptions().load(options)
        self.pool = ProcessPool(section, self.observer, self.nursery, environ)
        if start:
            self.pool.start()

    def program(self, name: str) -> str:
        return str(self.programs / name)

    def submit(self, program: str, *args: str, priority: Any = 0, **fields: Any) -> Submitted:
        """Submit one of the compiled programs, or any other by a path."""
        path = program if os.sep in program else self.program(program)
        return self.submit_task(
            ExecutorTask(args=args, binary_path=path, **fields), priority=priority
        )

    def submit_task(
        self, task: ExecutorTask, priority: Any = 0, attempt: int = 1, on_done: Any = None
    ) -> Submitted:
        submitted = Submitted()
        submitted.run = self.pool.submit(task, priority, on_done or submitted.done, attempt)
        return submitted

    def run(self, program: str, *args: str, **fields: Any) -> Any:
        return self.submit(program, *args, **fields).outcome()

    def started(self, count: int) -> int:
        """Wait until so many programs were started; return the last one's pid."""
        eventually(lambda: len(self.observer.pids) >= count)
        return self.observer.pids[count - 1]

    def close(self) -> None:
        self.pool.close()
        assert self.nursery.names() == []
        assert self.died == []


def eventually(condition: Callable[[], Any], timeout: float = WAIT_SECONDS) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, 'it did not happen in time'
        gevent.sleep(0.005)


def alive(pid: int) -> bool:
    """Whether that process exists and is no zombie."""
    try:
        with open(f'/proc/{pid}/stat') as stat:
            return stat.read().rpartition(')')[2].split()[0] != 'Z'
    except OSError:
        return False


def group_members(pgid: int) -> list[int]:
    members = []
    for name in os.listdir('/proc'):
        if name.isdigit():
            try:
                if os.getpgid(int(name)) == pgid and alive(int(name)):
                    members.append(int(name))
            except OSError:
                continue
    return members
