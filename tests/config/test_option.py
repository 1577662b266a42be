"""Each kind of option: what it takes, what it refuses and says, how it writes a value."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from drakkar.config import option
from drakkar.config.option import OptionSchema


def refusal(declared: option.Option, text: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        declared.deserialize(text)
    (message,) = caught.value.messages
    return str(message)


@pytest.mark.parametrize(
    ('declared', 'text', 'value'),
    [
        (option.Str(default=''), 'a = b', 'a = b'),
        (option.Int(default=1), '10_000', 10_000),
        (option.Int(default=1), '-7', -7),
        (option.Float(default=1), '0.25', 0.25),
        (option.Float(default=1), '3', 3.0),
        (option.Bool(default=False), 'Yes', True),
        (option.Bool(default=False), 'on', True),
        (option.Bool(default=True), 'NO', False),
        (option.Bool(default=True), 'off', False),
        (option.Choice(('stall', 'drop'), default='stall'), 'drop', 'drop'),
        (option.Path(default=''), '/var/log', '/var/log'),
        (option.Url(default=''), 'http://h:1/x', 'http://h:1/x'),
        (option.Url(default='', schemes=('mongodb+srv',)), 'mongodb+srv://h', 'mongodb+srv://h'),
        (option.Dsn(default='', schemes=('pg',)), 'host=a password=b', 'host=a password=b'),
        (option.List(default=[]), 'a, b\nc,,', ['a', 'b', 'c']),
        (option.List(default=['x']), '', []),
        (option.Int(default=None), '', None),
        (option.Str(default=''), '', ''),
    ],
)
def test_takes(declared: option.Option, text: str, value: Any) -> None:
    assert declared.deserialize(text) == value


@pytest.mark.parametrize(
    ('declared', 'text', 'message'),
    [
        (option.Int(default=1), 'four', 'expected a whole number'),
        (option.Int(default=1), '', 'expected a whole number'),
        (option.Int(default=1), '1.5', 'expected a whole number'),
        (option.Int(default=1), '٣', 'expected a whole number'),  # an Arabic digit
        (option.Int(default=1), '9' * 5000, 'expected a whole number'),
        (option.Int(default=1, min=1), '0', 'expected a whole number, at least 1'),
        (option.Int(default=1, max=9), '10', 'expected a whole number, at most 9'),
        (option.Int(default=1, min=1, max=9), '10', 'expected a whole number from 1 to 9'),
        (option.Int(default=1), True, 'expected a whole number'),
        (option.Float(default=1), 'nan', 'expected a number'),
        (option.Float(default=1), '1e999', 'expected a number'),
        (option.Float(default=1), 10**400, 'expected a number'),
        (option.Bool(default=True), 'maybe', 'expected true or false (or yes, no, on, off)'),
        (option.Choice(('a', 'b', 'c'), default='a'), 'd', 'expected a, b or c'),
        (option.Url(default=''), 'localhost:80', 'expected a URL such as scheme://host'),
        (option.Url(default=''), 'http://[::1', 'expected a URL such as scheme://host'),
        (
            option.Url(default='', schemes=('http', 'https')),
            'ftp://h',
            'expected a URL that begins with http:// or https://',
        ),
        (option.Path(required=True), '', 'expected a path, not nothing'),
        (option.List(default=[]), [1], 'expected a list separated by commas or line ends'),
    ],
)
def test_refuses(declared: option.Option, text: Any, message: str) -> None:
    assert refusal(declared, text) == message


def test_path_expands_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('HOME', '/home/olaf')
    assert option.Path(default='').deserialize('~/log') == '/home/olaf/log'


@pytest.mark.parametrize(
    'declaration',
    [
        lambda: option.Int(description='neither'),
        lambda: option.Int(default=1, required=True),
        lambda: option.Int(default=0, min=1),
        lambda: option.Int(default='x'),
        lambda: option.Choice(('a',), default='b'),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(declaration: Any) -> None:
    with pytest.raises(ValueError, match='default'):
        declaration()


def test_a_default_list_can_not_be_changed_from_outside() -> None:
    class Lists(OptionSchema):
        names = option.List(default=['a'])

    Lists().load({}).names.append('b')
    assert Lists().load({}).names == ['a']


def test_secrets_and_credentials_are_masked() -> None:
    assert option.Secret(default='').mask('hunter2') == '***'
    assert option.Secret(default='').mask('') == ''
    dsn = option.Dsn(default='')
    assert dsn.mask('postgresql://olaf:hun/ter@2@db:5432/x') == 'postgresql://olaf:***@db:5432/x'
    assert dsn.mask("host=db password='a b' user=x") == 'host=db password=*** user=x'


def test_masked_keeps_what_needs_no_masking() -> None:
    assert option.Int(default=1).masked(5) == 5
    assert option.List(default=[]).masked(['a', 'redis://:pw@h']) == ['a', 'redis://***@h']


WORDS = st.text(st.characters(exclude_characters=',\n', exclude_categories=['C', 'Z']), min_size=1)


@given(st.integers())
def test_whole_numbers_are_read_as_written(value: int) -> None:
    declared = option.Int(default=0)
    assert declared.deserialize(declared.render(value)) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_read_as_written(value: float) -> None:
    declared = option.Float(default=0)
    read = declared.deserialize(declared.render(value))
    assert read == value
    assert math.copysign(1, read) == math.copysign(1, value)


@given(st.lists(WORDS))
def test_lists_are_read_as_written(value: list[str]) -> None:
    declared = option.List(default=[])
    assert declared.deserialize(declared.render(value)) == value


@given(st.booleans())
def test_booleans_are_read_as_written(value: bool) -> None:
    declared = option.Bool(default=True)
    assert declared.deserialize(declared.render(value)) is value


ANY_OPTION = st.sampled_from(
    [
        option.Str(default=''),
        option.Int(default=1, min=0),
        option.Float(default=1),
        option.Bool(default=True),
        option.Choice(('a', 'b'), default='a'),
        option.Path(required=True),
        option.Url(default=''),
        option.Dsn(default='', schemes=('pg',)),
        option.List(default=[]),
    ]
)


@given(ANY_OPTION, st.text() | st.integers() | st.lists(st.integers()) | st.none())
def test_whatever_is_given_is_taken_or_refused(declared: option.Option, value: Any) -> None:
    try:
        taken = declared.deserialize(value)
    except ValidationError:
        return
    declared.mask(declared.render(taken))
