from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drakkar.backoff import delay_seconds

seconds = st.floats(0, 1000)


@given(attempt=st.integers(1, 10**6), base=seconds, maximum=seconds)
def test_never_more_than_the_maximum_and_never_below_zero(
    attempt: int, base: float, maximum: float
) -> None:
    assert 0 <= delay_seconds(attempt, base, maximum) <= maximum


@given(attempt=st.integers(1, 20), base=st.floats(0.001, 1))
def test_doubles_and_jitters_by_up_to_half(attempt: int, base: float) -> None:
    ceiling = base * 2 ** (attempt - 1)
    delays = [delay_seconds(attempt, base, 1e9) for _ in range(30)]
    assert all(ceiling / 2 <= delay <= ceiling for delay in delays)
    assert len(set(delays)) > 1
