"""Runs a handler's `@periodic` methods on their schedules."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import gevent
import structlog

from drakkar.contracts.observer import Observer
from drakkar.greenlets import Nursery
from drakkar.handler import Handler, Schedule

log = structlog.get_logger('drakkar.periodic')


@dataclass(slots=True)
class PeriodicState:
    """One method and its last run, for the UI. Times are in seconds since the epoch."""

    name: str
    schedule: Schedule
    runs: int = 0
    failures: int = 0
    last_started_at: float | None = None
    last_duration: float | None = None
    last_error: str = ''
    stopped: bool = False


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
            gevent.sleep(max(0.0, due - time.monotonic()))
            self._run(state)
            due = next_due(due, state.schedule.seconds, time.monotonic())

    def _run(self, state: PeriodicState) -> None:
        state.last_started_at = time.time()
        started = time.perf_counter()
        error = ''
        try:
            getattr(self._handler, state.name)()
        except (Exception, SystemExit, gevent.Timeout) as raised:
            log.exception('periodic_failed', hook=state.name, on_error=state.schedule.on_error)
            error = f'{type(raised).__name__}: {raised}'
            state.failures += 1
            state.stopped = state.schedule.on_error == 'stop'
        state.runs += 1
        state.last_error = error
        state.last_duration = time.perf_counter() - started
        self._observer.periodic_run(state.name, state.last_duration, error)
