"""Options: attributes that may be changed, not invented, and never show secrets."""

from __future__ import annotations

import copy
import pickle

import pytest

from drakkar.config import option
from drakkar.config.option import OptionSchema
from drakkar.config.values import Options


class Inner(OptionSchema):
    token = option.Secret(default='hunter2')


class Outer(OptionSchema):
    size = option.Int(default=3)
    url = option.Url(default='http://olaf:pw@h/')
    inner = option.SubSection(Inner)
    named = option.NamedSections(Inner)
    env = option.Mapping()


@pytest.fixture
def options() -> Options:
    loaded: Options = Outer().load({'named': {'a': {}}, 'env': {'API_KEY': 'k', 'LANG': 'C'}})
    return loaded


def test_values_are_attributes_and_may_be_changed(options: Options) -> None:
    options.size = 4
    options.inner.token = 'other'
    assert (options.size, options.inner.token, options.named['a'].token) == (4, 'other', 'hunter2')


def test_a_misspelled_name_is_refused(options: Options) -> None:
    with pytest.raises(AttributeError, match="no option 'sise', did you mean 'size'"):
        options.sise = 4
    with pytest.raises(AttributeError, match="no option 'urll', did you mean 'url'"):
        _ = options.urll
    with pytest.raises(AttributeError, match='not removed'):
        del options.size


def test_repr_masks_secrets(options: Options) -> None:
    text = repr(options)
    assert 'hunter2' not in text
    assert 'pw' not in text
    assert "'API_KEY': '***', 'LANG': 'C'" in text
    assert text.startswith('Options(size=3, ')


def test_asdict_is_plain_and_readable(options: Options) -> None:
    assert options.asdict() == {
        'size': 3,
        'url': 'http://olaf:pw@h/',
        'inner': {'token': 'hunter2'},
        'named': {'a': {'token': 'hunter2'}},
        'env': {'API_KEY': 'k', 'LANG': 'C'},
    }


def test_copies_are_equal_and_independent(options: Options) -> None:
    other = copy.deepcopy(options)
    assert other == options
    other.inner.token = 'x'
    assert other != options
    assert pickle.loads(pickle.dumps(options.inner)) == options.inner
