"""Both writers give the same bytes: a worker with the `speed` extra and one without can share."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drakkar import jsonio

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=['Cs']))
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)


class Colour(enum.Enum):
    RED = 'red'


@dataclasses.dataclass
class Point:
    x: int
    when: datetime.date


@given(values)
def test_both_writers_agree(value: Any) -> None:
    pytest.importorskip('orjson')
    fast, plain = jsonio.dumps_bytes(value), jsonio._stdlib_dumps(value)
    # Floats may be spelled differently (1e+16, 1e16) but are the same number.
    assert json.loads(fast) == json.loads(plain)
    if not any(c in fast for c in b'eE.'):
        assert fast == plain


@pytest.mark.parametrize(
    ('value', 'text'),
    [
        ({'a': [1, None, True]}, '{"a":[1,null,true]}'),
        ('grün', '"grün"'),
        (datetime.datetime(2026, 1, 2, 3, 4, 5), '"2026-01-02T03:04:05"'),
        (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (decimal.Decimal('1.10'), '"1.10"'),
        (Colour.RED, '"red"'),
        (Point(1, datetime.date(2026, 1, 2)), '{"x":1,"when":"2026-01-02"}'),
        ((1, 2), '[1,2]'),
        (frozenset([1]), '[1]'),
        (2**70, str(2**70)),
        ([float('nan'), float('inf'), 1.5], '[null,null,1.5]'),
    ],
)
def test_what_payloads_may_hold(value: Any, text: str) -> None:
    assert jsonio.dumps(value) == text
    assert jsonio._stdlib_dumps(value).decode() == text


@pytest.mark.parametrize('value', [object(), {'a': b'bytes'}, {1j: 1}, '\ud800'])
def test_what_has_no_json_form_is_a_type_error(value: Any) -> None:
    with pytest.raises(TypeError):
        jsonio.dumps_bytes(value)
    with pytest.raises(TypeError):
        jsonio._stdlib_dumps(value)


@pytest.mark.parametrize('text', [b'{', b'', b'\xff', '[1,]'])
def test_what_is_not_json_is_a_value_error(text: bytes | str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the two readers have their own words
        jsonio.loads(text)
