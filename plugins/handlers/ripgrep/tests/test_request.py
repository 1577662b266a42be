"""What a search request may say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from drakkar_handler_ripgrep import SearchRequest
from drakkar_handler_ripgrep.request import MAX_SEARCHES

schema = SearchRequest()


def test_smallest_request() -> None:
    assert schema.load({'request_id': 'r1', 'pattern': 'x', 'file_path': 'a.py'}) == {
        'request_id': 'r1',
        'patterns': ['x'],
        'paths': ['a.py'],
        'repeat': 1,
    }


def test_single_and_several_add_up_each_once() -> None:
    loaded = schema.load(
        {
            'request_id': 'r1',
            'pattern': 'x',
            'patterns': ['y', 'x'],
            'file_path': 'a',
            'paths': ['b', 'a', 'b'],
            'repeat': 3,
            'sent_by': 'somebody else',
        }
    )
    assert loaded['patterns'] == ['x', 'y']
    assert loaded['paths'] == ['a', 'b']
    assert loaded['repeat'] == 3


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'request_id': None}, 'request_id'),
        ({'request_id': ''}, 'request_id'),
        ({'pattern': ''}, 'pattern'),
        ({'patterns': [''], 'pattern': 'x'}, 'patterns'),
        ({'paths': []}, 'either file_path or paths is required'),
        ({'pattern': 'a\0b'}, 'null character'),
        ({'repeat': 0}, 'repeat'),
        ({'repeat': 10_001}, 'repeat'),
        ({'paths': ['a'] * 3, 'patterns': [1]}, 'patterns'),
    ],
)
def test_wrong_requests(change: dict[str, Any], message: str) -> None:
    request: dict[str, Any] = {'request_id': 'r1', 'pattern': 'x', 'paths': ['a']} | change
    with pytest.raises(ValidationError, match=message):
        schema.load(request)


def test_pattern_is_required() -> None:
    with pytest.raises(ValidationError, match='either pattern or patterns is required'):
        schema.load({'request_id': 'r1', 'paths': ['a']})


def test_fan_out_is_bounded() -> None:
    paths = [f'file{n}' for n in range(MAX_SEARCHES)]
    assert schema.load({'request_id': 'r', 'pattern': 'x', 'paths': paths})
    with pytest.raises(ValidationError, match='2 patterns in 1000 paths are 2000 searches'):
        schema.load({'request_id': 'r', 'patterns': ['x', 'y'], 'paths': paths})


_names = st.lists(st.text(min_size=1, max_size=5).filter(lambda t: '\0' not in t), max_size=6)


@given(patterns=_names, paths=_names)
def test_loads_to_distinct_names_in_order_or_refuses(patterns: list[str], paths: list[str]) -> None:
    request = {'request_id': 'r', 'patterns': patterns, 'paths': paths}
    if not patterns or not paths:
        with pytest.raises(ValidationError):
            schema.load(request)
        return
    loaded = schema.load(request)
    assert loaded['patterns'] == sorted(set(patterns), key=patterns.index)
    assert loaded['paths'] == sorted(set(paths), key=paths.index)
