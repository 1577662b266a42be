from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drakkar.pipeline.offsets import OffsetTracker

rising_offsets = st.sets(st.integers(0, 500), min_size=1, max_size=40).map(sorted)


class Model:
    """The slow, obvious version: a table of offset to completeness."""

    def __init__(self) -> None:
        self.state: dict[int, bool] = {}

    @property
    def watermark(self) -> int | None:
        mark = None
        for offset in sorted(self.state):
            if not self.state[offset]:
                break
            mark = offset + 1
        return mark

    @property
    def pending(self) -> list[int]:
        return [o for o in sorted(self.state) if not self.state[o]]


@given(offsets=rising_offsets, data=st.data())
def test_agrees_with_the_model_in_any_order(offsets: list[int], data: st.DataObject) -> None:
    tracker, model = OffsetTracker(), Model()
    waiting: list[int] = []
    remaining = list(offsets)
    while remaining or waiting:
        if remaining and (not waiting or data.draw(st.booleans())):
            offset = remaining.pop(0)
            tracker.add(offset)
            model.state[offset] = False
            waiting.append(offset)
        else:
            offset = waiting.pop(data.draw(st.integers(0, len(waiting) - 1)))
            before = model.watermark
            moved = tracker.complete(offset)
            model.state[offset] = True
            assert moved == (model.watermark != before)
        assert tracker.watermark == model.watermark
        assert len(tracker) == len(model.pending)
        assert tracker.pending(5) == model.pending[:5]
    assert tracker.watermark == offsets[-1] + 1


def test_nothing_completed_gives_no_watermark() -> None:
    tracker = OffsetTracker()
    tracker.add(7)
    assert tracker.watermark is None


@pytest.mark.parametrize('offset', [4, 5])
def test_offsets_must_rise(offset: int) -> None:
    tracker = OffsetTracker()
    tracker.add(5)
    with pytest.raises(ValueError, match=f'offset {offset} follows 5'):
        tracker.add(offset)
