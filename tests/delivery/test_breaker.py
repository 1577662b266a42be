from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from drakkar.delivery.breaker import Breaker, State

THRESHOLD, COOLDOWN = 3, 10


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker(THRESHOLD, COOLDOWN)
    assert [breaker.failed(now, terminal=True) for _ in range(3)] == [False, False, True]
    return breaker


def test_a_success_in_between_starts_the_count_again() -> None:
    breaker = Breaker(THRESHOLD, COOLDOWN)
    for _ in range(5):
        breaker.failed(0, terminal=True)
        breaker.failed(0, terminal=True)
        breaker.succeeded()
    assert breaker.state is State.CLOSED


def test_failures_that_are_retried_do_not_open_it() -> None:
    breaker = Breaker(THRESHOLD, COOLDOWN)
    assert not any(breaker.failed(0, terminal=False) for _ in range(50))


def test_nothing_passes_until_the_cooldown_is_over_then_one_probe() -> None:
    breaker = opened(now=5)
    assert not breaker.admits(14.9)
    assert breaker.admits(15)
    assert breaker.state is State.HALF_OPEN
    assert not breaker.admits(15)


def test_a_successful_probe_closes_it() -> None:
    breaker = opened()
    breaker.admits(10)
    assert breaker.succeeded()
    assert breaker.admits(10)
    assert not breaker.succeeded()


def test_a_failed_probe_opens_it_for_another_cooldown_even_if_it_is_retried() -> None:
    breaker = opened()
    breaker.admits(10)
    assert not breaker.failed(12, terminal=False)
    assert breaker.state is State.OPEN
    assert not breaker.admits(21)
    assert breaker.admits(22)


def test_a_probe_that_never_reports_is_replaced() -> None:
    breaker = opened()
    assert breaker.admits(10)
    assert not breaker.admits(19)
    assert breaker.admits(20)


@given(st.integers(-2, 0))
def test_without_a_threshold_it_never_opens(threshold: int) -> None:
    breaker = Breaker(threshold, COOLDOWN)
    assert not any(breaker.failed(0, terminal=True) for _ in range(100))


class BreakerAgainstModel(RuleBasedStateMachine):
    """The model keeps the whole history and derives each answer from it."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(THRESHOLD, COOLDOWN)
        self.now = 0.0
        self.row = 0  # terminal failures since the last success
        self.opened_at: float | None = None
        self.probe_at: float | None = None

    @rule(seconds=st.sampled_from([0.5, 3.0, 10.0, 25.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def asks(self) -> None:
        expected = True
        if self.opened_at is not None:
            since = self.opened_at if self.probe_at is None else self.probe_at
            expected = self.now >= since + COOLDOWN
            if expected:
                self.probe_at = self.now
        assert self.breaker.admits(self.now) is expected

    @rule()
    def succeeds(self) -> None:
        assert self.breaker.succeeded() is (self.opened_at is not None)
        self.row, self.opened_at, self.probe_at = 0, None, None

    @rule(terminal=st.booleans())
    def fails(self, terminal: bool) -> None:
        trips = False
        if self.probe_at is not None:
            self.opened_at, self.probe_at = self.now, None
        elif self.opened_at is None and terminal:
            self.row += 1
            trips = self.row >= THRESHOLD
            if trips:
                self.opened_at = self.now
        assert self.breaker.failed(self.now, terminal) is trips

    @rule()
    def gauge(self) -> None:
        expected = 0.0 if self.opened_at is None else 1.0 if self.probe_at is None else 0.5
        assert self.breaker.state.value == expected


TestBreakerAgainstModel = BreakerAgainstModel.TestCase
