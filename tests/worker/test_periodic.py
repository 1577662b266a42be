"""Methods on a schedule: never overlapping, never in each other's way."""

from __future__ import annotations

from collections.abc import Iterator

import gevent
import pytest
from gevent.event import Event
from hypothesis import given
from hypothesis import strategies as st

from drakkar.contracts.observer import Observer
from drakkar.greenlets import Nursery
from drakkar.handler import Handler, periodic
from drakkar.worker.periodic import (
    RECENT_RUNS,
    Periodic,
    PeriodicState,
    next_due,
    schedules,
)
from tests.waiting import until


class Ears(Observer):
    def __init__(self) -> None:
        self.runs: list[tuple[str, str]] = []

    def periodic_run(self, name: str, duration: float, error: str) -> None:
        assert duration >= 0
        self.runs.append((name, error))


class Scheduled(Handler):
    def __init__(self) -> None:
        self.gate = Event()
        self.inside = self.overlaps = self.quick_runs = 0
        self.error: BaseException | None = None

    @periodic(seconds=0.001)
    def slow(self) -> None:
        self.overlaps += self.inside
        self.inside += 1
        self.gate.wait()
        self.inside -= 1

    @periodic(seconds=0.001)
    def quick(self) -> None:
        self.quick_runs += 1

    @periodic(seconds=0.001)
    def goes_on(self) -> None:
        if self.error:
            raise self.error

    @periodic(seconds=0.001, on_error='stop')
    def stops(self) -> None:
        if self.error:
            raise self.error


class Base(Scheduled):
    """Schedules are inherited."""


@pytest.fixture
def handler() -> Scheduled:
    return Base()


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
def parts(handler: Scheduled, ears: Ears) -> Iterator[dict[str, PeriodicState]]:
    deaths: list[str] = []
    nursery = Nursery(lambda name, error: deaths.append(name))
    runner = Periodic(handler, ears, nursery)
    runner.start()
    yield {state.name: state for state in runner.states}
    assert nursery.kill()
    assert not deaths


def test_the_schedules_of_a_handler_are_found(handler: Scheduled) -> None:
    found = dict(schedules(handler))
    assert sorted(found) == ['goes_on', 'quick', 'slow', 'stops']
    assert (found['stops'].seconds, found['stops'].on_error) == (0.001, 'stop')
    assert not list(schedules(Handler()))


def test_one_that_takes_long_neither_overlaps_itself_nor_delays_another(
    handler: Scheduled, parts: dict[str, PeriodicState]
) -> None:
    until(lambda: handler.quick_runs > 10)
    assert handler.inside == 1
    handler.gate.set()
    until(lambda: parts['slow'].runs > 5)
    assert handler.overlaps == 0


@pytest.mark.parametrize('error', [ValueError('x'), SystemExit('x'), gevent.Timeout(None, 'x')])
def test_a_run_that_raises_is_told_and_ends_the_schedule_only_where_asked(
    handler: Scheduled, ears: Ears, parts: dict[str, PeriodicState], error: BaseException
) -> None:
    handler.error = error
    until(lambda: parts['goes_on'].failures > 3)
    state = parts['stops']
    assert (state.failures, state.stopped) == (1, True)
    assert state.last_error == f'{type(error).__name__}: {error}'
    told = [name for name, text in ears.runs if text == state.last_error]
    assert told.count('stops') == 1
    runs = state.runs
    handler.error = None
    until(lambda: parts['goes_on'].last_error == '')  # it recovered
    assert state.runs == runs


def test_a_state_tells_of_the_last_run(parts: dict[str, PeriodicState]) -> None:
    state = parts['quick']
    assert state.last_started_at is None
    until(lambda: state.runs)
    assert state.last_started_at is not None
    assert state.last_duration is not None


def test_a_state_tells_of_recent_runs_and_the_next(
    handler: Scheduled, parts: dict[str, PeriodicState]
) -> None:
    until(lambda: handler.inside)
    assert (parts['slow'].running, parts['slow'].next_at) == (True, None)
    handler.error = ValueError('x')
    until(lambda: parts['stops'].stopped and parts['goes_on'].failures > RECENT_RUNS)
    assert (parts['stops'].running, parts['stops'].next_at) == (False, None)
    (run,) = [r for r in parts['stops'].recent if r.error]
    assert run.error == 'ValueError: x'
    state = parts['goes_on']
    assert len(state.recent) == RECENT_RUNS
    assert state.recent[-1].started_at == state.last_started_at
    until(lambda: state.next_at is not None)


@given(seconds=st.floats(0.01, 100), took=st.floats(0, 1000))
def test_a_run_that_took_longer_than_its_period_skips_the_beats_it_missed(
    seconds: float, took: float
) -> None:
    due = next_due(1000.0, seconds, 1000.0 + took)
    assert due - (1000.0 + took) <= seconds * 1.001
    assert due >= 1000.0 + took - 1e-6 or took <= seconds
    beats = (due - 1000.0) / seconds
    assert abs(beats - round(beats)) < 1e-6
    assert beats > 0.99
