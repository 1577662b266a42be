from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drakkar.consumer.backpressure import Backpressure


@given(
    low=st.integers(1, 20),
    extra=st.integers(0, 50),
    steps=st.lists(st.integers(-30, 30), max_size=60),
)
def test_follows_the_model(low: int, extra: int, steps: list[int]) -> None:
    pressure = Backpressure(low + extra, low)
    total, paused = 0, False
    for step in steps:
        if step >= 0:
            pressure.add(step)
        else:
            step = max(step, -total)
            pressure.remove(-step)
        total += step
        change = pressure.update()
        # Pause at or above high, resume at or below low, otherwise stay.
        should_pause = total >= low + extra
        should_resume = total <= low
        if not paused and should_pause:
            assert change is True
            paused = True
        elif paused and should_resume:
            assert change is False
            paused = False
        else:
            assert change is None
        assert pressure.active == paused
        assert pressure.room == max(0, low + extra - total)


@pytest.mark.parametrize(
    ('executors', 'high', 'low', 'expected'),
    [(4, 32, 4, (128, 16)), (1, 2, 0.1, (2, 1)), (1, 0.5, 0.1, (1, 1))],
)
def test_thresholds_come_from_the_pool_size(
    executors: int, high: float, low: float, expected: tuple[int, int]
) -> None:
    pressure = Backpressure.for_executors(executors, high, low)
    assert (pressure.high, pressure.low) == expected


def test_thresholds_that_contradict_are_refused() -> None:
    with pytest.raises(ValueError, match='low=5, high=4'):
        Backpressure(4, 5)
