"""Runs a handler's `@periodic` methods on their schedules."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import gevent
import structlog

from drakkar.contracts.observer import Observer
from drakkar.greenlets import Nursery
from drakkar.handler import Handler, Schedule

log = structlog.get_logger('drakkar.periodic')

RECENT_RUNS = 20  # remembered of each method


class PeriodicRun(NamedTuple):
    """One run; `started_at` is in seconds since the epoch, `error` empty where it returned."""

    started_at: float
    duration: float
    error: str


@dataclass(slots=True)
class PeriodicState:
    """One method and its last runs, for the UI. Times are in seconds since the epoch.

    `next_at` is None while it runs, and where it never will again.
    """

    name: str
    schedule: Schedule
    runs: int = 0
    failures: int = 0
    last_started_at: float | None = None
    last_duration: float | None = None
    last_error: str = ''
    stopped: bool = False
    running: bool = False
    next_at: float | None = None
    recent: deque[PeriodicRun] = field(default_factory=lambda: deque(maxlen=RECENT_RUNS))


def schedules(handler: Handler) -> Iterator[tuple[str, Schedule]]:
    """Yield name and schedule of every `@periodic` method of a handler."""
    for name in dir(type(handler)):
        schedule = getattr(getattr(type(handler), name), '__drakkar_periodic__', None)
        if schedule is not None:
            yield name, schedule


def next_due(due: float, seconds: float, now: float) -> float:
    """Return when to run after the run that was due at `due`, which ended at `now`.

    One that took longer than its period skips the beats it missed.
    """
    return due + seconds * max(1, math.ceil((now - due) / seconds))


class Periodic:
    """One greenlet a method, so that none overlaps itself and none delays another."""

    def __init__(self, handler: Handler, observer: Observer, greenlets: Nursery) -> None:
        self._handler = handler
        self._observer = observer
        self._greenlets = greenlets
        self.states = [PeriodicState(name, schedule) for name, schedule in schedules(handler)]

    def start(self) -> None:
        for state in self.states:
            self._greenlets.spawn(f'periodic-{state.name}', self._loop, state)

    def _loop(self, state: PeriodicState) -> None:
        due = time.monotonic() + state.schedule.seconds
        while not state.stopped:
            wait = max(0.0, due - time.monotonic())
            state.next_at = time.time() + wait
            gevent.sleep(wait)
            state.next_at = None
            self._run(state)
            due = next_due(due, state.schedule.seconds, time.monotonic())

    def _run(self, state: PeriodicState) -> None:
        state.last_started_at = time.time()
        started = time.perf_counter()
        error = ''
        state.running = True
        try:
            getattr(self._handler, state.name)()
        except (Exception, SystemExit, gevent.Timeout) as raised:
            log.exception('periodic_failed', hook=state.name, on_error=state.schedule.on_error)
            error = f'{type(raised).__name__}: {raised}'
            state.failures += 1
            state.stopped = state.schedule.on_error == 'stop'
        finally:
            state.running = False
        state.runs += 1
        state.last_error = error
        state.last_duration = time.perf_counter() - started
        state.recent.append(PeriodicRun(state.last_started_at, state.last_duration, error))
        self._observer.periodic_run(state.name, state.last_duration, error)
