"""The bars of the timeline: runs under way, and a bounded number of those that are over."""

from __future__ import annotations

import contextlib
import itertools
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from drakkar.models.task import ExecutorError, ExecutorTask, TaskOutcome
from drakkar.recorder.live.gist import COMMAND_CHARS, TaskGist, shown

RUNNING = 'running'
COMPLETED = 'completed'
FAILED = 'failed'
CANCELLED = 'cancelled'
# The program is over, and nobody told yet how: its hook still runs, or never will, since its
# partition was given up.
ENDED = 'ended'


@dataclass(slots=True, eq=False)
class Bar:
    """One run. `revision` says when it last changed, and is 0 while nobody may see it."""

    task: ExecutorTask | None
    slot: int
    pid: int | None
    start: float
    end: float = 0.0
    left: float = 0.0  # when its slot was seen without it
    state: str = RUNNING
    id: int = 0
    revision: int = 0
    gist: TaskGist | None = None
    attempt: int = 0
    exit_code: int | None = None
    action: str = ''
    error: str = ''

    def view(self) -> dict[str, Any]:
        """Return it ready for JSON; times in seconds since the epoch."""
        gist = self.gist
        if gist is None:
            assert self.task is not None, 'a bar has its task until it has a gist'
            gist = TaskGist.to_keep(self.task)
        return gist.view() | {
            'id': self.id,
            'revision': self.revision,
            'slot': self.slot,
            'pid': self.pid,
            'start': round(self.start, 6),
            'end': round(self.end, 6) if self.end else None,
            'state': self.state,
            'attempt': self.attempt,
            'exit_code': self.exit_code,
            'action': self.action,
            'error': shown(self.error, COMMAND_CHARS),
        }


class Bars:
    """Runs by their tasks, and the last `limit` of those that are over.

    `min_duration` is in seconds: shorter runs are not kept unless they failed, and
    one under way can be seen once it is that old. `revision` numbers all changes
    that can be seen.
    """

    def __init__(
        self,
        limit: int,
        min_duration: float,
        revision: Callable[[], int],
        clock: Callable[[], float],
    ) -> None:
        self.over: deque[Bar] = deque(maxlen=limit)  # by revision
        self.dropped = 0  # the last revision that made room for newer ones
        self._min_duration = min_duration
        self._revision = revision
        self._clock = clock
        self._open: dict[str, Bar] = {}  # started, and not heard of again
        self._slots: dict[int, Bar] = {}  # the last one of each slot, while open

    def started(self, task: ExecutorTask, slot: int, pid: int, spawn_seconds: float) -> None:
        now = self._clock()
        bar = Bar(task, slot, pid, now - spawn_seconds)
        former = self._slots.get(slot)
        if former is not None:
            former.left = now
            if len(self._open) > 2 * len(self._slots) + 1000:
                self._forget_left()
        self._open[task.task_id] = self._slots[slot] = bar

    def ended(self, outcome: TaskOutcome, state: str, action: str = '') -> None:
        """Keep the outcome of a run, unless it is too short to be shown."""
        task = outcome.task
        bar = self._open.pop(task.task_id, None)
        if bar is not None and self._slots.get(bar.slot) is bar:
            del self._slots[bar.slot]
        duration = outcome.duration_seconds
        if duration < self._min_duration and state != FAILED and not (bar and bar.revision):
            return
        if bar is None:
            if state == CANCELLED:
                return  # it never ran
            bar = Bar(task, outcome.slot, outcome.pid, self._clock() - duration)
        if bar.end:
            with contextlib.suppress(ValueError):  # dropped by newer ones meanwhile
                self.over.remove(bar)
        bar.attempt = outcome.attempt
        bar.exit_code = outcome.exit_code
        bar.action = action
        if isinstance(outcome, ExecutorError):
            bar.error = outcome.summary
        self._finish(bar, state, bar.start + duration)

    def look(self, busy: Collection[int]) -> None:
        """Bring up to date what can be seen; `busy` are the slots where programs run."""
        now = self._clock()
        for bar in self._open.values():
            if bar.end:
                continue
            if not bar.left and bar.slot not in busy:
                bar.left = now
            if bar.left:
                if bar.left - bar.start >= self._min_duration:
                    self._finish(bar, ENDED, bar.left)
            elif not bar.revision and now - bar.start >= self._min_duration:
                bar.id = bar.revision = self._revision()

    def running(self) -> list[Bar]:
        """Return the runs under way that can be seen."""
        return [bar for bar in self._open.values() if bar.revision and not bar.end]

    def changed(self, since: int) -> list[Bar]:
        """Return the bars whose revision is beyond `since`, by revision."""
        over = itertools.takewhile(lambda bar: bar.revision > since, reversed(self.over))
        bars = [*over, *(bar for bar in self.running() if bar.revision > since)]
        return sorted(bars, key=lambda bar: bar.revision)

    def before(self, revision: int, limit: int) -> list[Bar]:
        """Return the last `limit` bars that are over and older than `revision`, in order."""
        older = itertools.dropwhile(lambda bar: bar.revision >= revision, reversed(self.over))
        return list(itertools.islice(older, limit))[::-1]

    def _finish(self, bar: Bar, state: str, end: float) -> None:
        bar.state, bar.end = state, max(end, bar.start)
        if bar.task is not None:
            bar.gist, bar.task = TaskGist.to_keep(bar.task), None
        bar.revision = self._revision()
        bar.id = bar.id or bar.revision
        if len(self.over) == self.over.maxlen:
            self.dropped = self.over[0].revision
        self.over.append(bar)

    def _forget_left(self) -> None:
        """Forget runs that nobody will speak of again: their partitions were given up."""
        for task_id in [task_id for task_id, bar in self._open.items() if bar.left]:
            del self._open[task_id]
