"""References to environment variables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drakkar.config.expand import escape, expand

ENVIRON = {'HOME': '/home/olaf', 'EMPTY': '', 'LOOP': '${HOME}'}


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('${HOME}/log', '/home/olaf/log'),
        ('${HOME}${HOME}', '/home/olaf/home/olaf'),
        ('${EMPTY}', ''),
        ('$${HOME}', '${HOME}'),
        ('$HOME costs 5$', '$HOME costs 5$'),
        ('${LOOP}', '${HOME}'),  # once, not again
    ],
)
def test_expands(text: str, value: str) -> None:
    assert expand(text, ENVIRON) == (value, [])


def test_an_unset_variable_is_named() -> None:
    assert expand('${A}:${B}', ENVIRON)[1] == [
        'environment variable A is not set',
        'environment variable B is not set',
    ]


@pytest.mark.parametrize('text', ['${', '${}', '${A B}', 'x${HOME', '${HOME:-x}'])
def test_a_broken_reference_is_told(text: str) -> None:
    (problem,) = expand(text, ENVIRON)[1]
    assert '$${' in problem


@given(st.text(st.sampled_from('${}A')) | st.text())
def test_an_escaped_text_means_itself(text: str) -> None:
    assert expand(escape(text), {}) == (text, [])
