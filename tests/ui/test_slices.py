"""Long lists in slices: the same as at once, but for the turns of others."""

from __future__ import annotations

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drakkar import jsonio
from drakkar.ui import slices

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(_VALUES)
def test_pieces_are_the_same_json(data: object) -> None:
    assert b''.join(slices.json_bytes(data)) == jsonio.dumps_bytes(data)


@given(st.lists(st.binary(max_size=50)), st.integers(1, 100))
def test_groups_are_the_same_bytes(pieces: list[bytes], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, 'PIECE_BYTES', size)
        assert b''.join(slices.grouped(pieces)) == b''.join(pieces)
        assert all(len(piece) >= size for piece in list(slices.grouped(pieces))[:-1])


@given(st.text(st.characters()), st.integers(1, 10))
def test_a_text_in_pieces_is_the_same_text(text: str, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, 'PIECE_BYTES', size)
        assert b''.join(slices.text_bytes(text)) == text.encode('utf-8', 'replace')


def test_others_have_their_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, 'SLICE_SECONDS', 0.0)
    turns = 0

    def work() -> None:
        nonlocal turns
        while True:
            gevent.sleep(0)
            turns += 1

    other = gevent.spawn(work)
    rows = [{'n': n} for n in range(100)]
    body = b''.join(slices.json_bytes({'rows': rows}))
    other.kill()
    assert jsonio.loads(body) == {'rows': rows}
    assert turns >= 90
