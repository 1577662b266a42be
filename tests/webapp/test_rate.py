from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drakkar.webapp.rate import SlidingWindow


def test_the_window_slides() -> None:
    window = SlidingWindow(2)
    assert [window.admit(t) for t in (0, 30, 59)] == [0, 0, 1]
    assert window.admit(60) == 0
    assert window.admit(61) == 29
    assert (window.used(61), window.used(90), window.used(120)) == (2, 1, 0)


@given(
    limit=st.integers(1, 5),
    steps=st.lists(st.floats(0, 40, allow_nan=False), max_size=60),
)
def test_never_more_than_the_limit_in_any_window(limit: int, steps: list[float]) -> None:
    window, now, admitted = SlidingWindow(limit), 1000.0, []
    for step in steps:
        now += step
        wait = window.admit(now)
        assert 0 <= wait < 60.001
        if wait:
            assert len([t for t in admitted if t + 60 - now > 0]) == limit
        else:
            admitted.append(now)
    for start in admitted:
        assert len([t for t in admitted if start <= t and start + 60 - t > 0]) <= limit


@given(limit=st.integers(1, 3), now=st.floats(0, 1e9), gap=st.floats(0.001, 59))
def test_who_waits_as_told_is_admitted(limit: int, now: float, gap: float) -> None:
    window = SlidingWindow(limit)
    for _ in range(limit):
        window.admit(now)
    wait = window.admit(now + gap)
    # What is told in Retry-After is rounded up to whole seconds.
    assert window.admit(now + gap + max(1, -int(-wait // 1))) == 0
