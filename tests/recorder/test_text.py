from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drakkar.recorder import text

SECRETS = ['--password', 'hunter2', '--api-token=hunter2', 'postgres://me:hunter2@db/x', 'KEEP=1']


def test_secrets_in_arguments_are_masked() -> None:
    assert json.loads(text.arguments(SECRETS)) == [
        '--password',
        '***',
        '--api-token=***',
        'postgres://db/x',
        'KEEP=1',
    ]


@pytest.mark.parametrize(
    'args', [['plain', '/a/b'], ['-n', '3'], ['a=b'], ['--', '--token'], [1, None, 2.5]]
)
def test_other_arguments_stay_as_they_are(args: list[object]) -> None:
    shown = json.loads(text.arguments(args))  # type: ignore[arg-type]
    assert shown == [str(a) for a in args]


def test_secrets_in_labels_are_masked_by_name_and_by_form() -> None:
    shown = text.labels({'api_token': 'hunter2', 'url': 'http://a:hunter2@b/', 'n': 3})
    assert shown is not None
    assert json.loads(shown) == {'api_token': '***', 'url': 'http://b/', 'n': 3}
    assert text.labels({}) is None


def test_a_secret_is_masked_where_the_cut_would_hide_its_end() -> None:
    """The observer keeps some more than the limit for it."""
    said = 'x' * 90 + ' db://me:hunter2@host/'
    shown, cut = text.output(said, 100)
    assert 'hunter' not in shown
    assert shown.startswith('x' * 90)
    assert cut == (len(shown.encode()) >= 100)


@given(st.text(st.characters()), st.integers(0, 40))
def test_output_is_cut_at_a_character_and_always_writable(said: str, limit: int) -> None:
    shown, cut = text.output(said, limit)
    assert len(shown.encode()) <= limit
    if not cut:
        assert shown == text.output(said, 10**6)[0]


def test_lone_surrogates_become_something_that_can_be_stored() -> None:
    assert text.writable('a\ud800b') == 'a?b'
    assert json.loads(text.json({'\ud800': ['\ud800']})) == {'?': ['?']}


def test_what_has_no_json_form_is_shown_as_its_repr() -> None:
    class Odd:
        def __repr__(self) -> str:
            return '<odd token=hunter2 >'

    assert json.loads(text.masked_json({'a': Odd()})) == {'a': '<odd token=*** >'}
    deep: list[object] = []
    for _ in range(2000):
        deep = [deep]
    assert json.loads(text.masked_json(deep)) == 'list that is nested too deeply'


def test_long_output_is_masked_in_pieces_as_it_would_be_as_a_whole() -> None:
    line = 'token=hunter2 fine=1\n'
    shown, _ = text.output(line * 5000, 10**6)
    assert shown == 'token=*** fine=1\n' * 5000


@given(st.lists(st.text('ab"\\\x7f\nä,:{'), min_size=1, max_size=4))
def test_texts_are_json_whatever_is_in_them(texts: list[str]) -> None:
    """Plain ones are put together without an encoder."""
    assert json.loads(text.arguments(texts)) == texts
    named = {f'{number}{name}': name for number, name in enumerate(texts)}
    shown = text.labels(named)
    assert shown is not None
    assert json.loads(shown) == named
