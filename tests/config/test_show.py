"""What `drakkar config show` prints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drakkar.config import ini
from drakkar.config.config import Config
from drakkar.config.loader import load
from drakkar.config.show import as_ini, as_mapping

TEXT = """\
[drakkar]
handler = search

[sinks.db.main]
dsn = postgresql://olaf:hunter2@h/d
password = hunter2

[sinks.db.main.statements]
bump = UPDATE x
    SET y = 1

[executor.env]
API_TOKEN = hunter2
PRICE = $${x}
"""


def test_every_value_has_its_origin(load_text: Callable[..., Config]) -> None:
    config = load_text(TEXT, {'DK_HANDLER__DEPTH': '9'}, ['metrics.port=1'])
    shown = as_mapping(config)
    assert shown['drakkar']['handler'] == {'value': 'search', 'origin': 'd.ini:2'}
    assert shown['handler']['depth'] == {'value': 9, 'origin': 'DK_HANDLER__DEPTH'}
    assert shown['metrics']['port'] == {'value': 1, 'origin': '--set metrics.port'}
    assert shown['metrics']['enabled'] == {'value': True, 'origin': 'default'}
    assert 'log' in shown
    assert 'broker' not in shown


def test_secrets_are_masked(load_text: Callable[..., Config]) -> None:
    config = load_text(TEXT)
    assert 'hunter2' not in as_ini(config) + repr(as_mapping(config)) + repr(config)
    assert as_mapping(config)['sinks.db.main']['dsn']['value'] == 'postgresql://olaf:***@h/d'


def test_a_source_that_is_not_chosen_shows_when_something_is_said_about_it(
    load_text: Callable[..., Config],
) -> None:
    config = load_text(TEXT + '[broker]\ntopic = t\n')
    assert as_mapping(config)['broker']['topic']['value'] == 't'
    assert as_mapping(config)['broker']['brokers']['value'] is None


def test_the_text_is_ini_with_origins_as_comments(load_text: Callable[..., Config]) -> None:
    text = as_ini(load_text(TEXT))
    assert '\n[sinks.db.main.statements]\n# d.ini:9\nbump = UPDATE x\n    SET y = 1\n' in text
    assert '\n[executor.env]\n# d.ini:13\nAPI_TOKEN = ***\n# d.ini:14\nPRICE = $${x}\n' in text
    assert ini.parse(text).problems == []


TEXTS = st.text(st.characters(codec='utf-8', exclude_categories=['C', 'Zl', 'Zp'])).map(str.strip)
NUMBERS = st.integers(1, 10_000)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    executor=st.fixed_dictionaries(
        {},
        optional={
            'max_executors': NUMBERS,
            'task_timeout_seconds': st.floats(0.001, 1e9),
            'env_inherit_parent': st.booleans(),
            'env_inherit_deny': st.lists(st.from_regex(r'[A-Z*_]+', fullmatch=True)),
            'env': st.dictionaries(st.from_regex(r'[A-Z_]{1,9}X', fullmatch=True), TEXTS),
            'limits': st.fixed_dictionaries({}, optional={'nice': st.integers(-20, 19)}),
        },
    ),
    log=st.fixed_dictionaries({'path': TEXTS.filter(lambda text: '~' not in text)}),
    lines=st.dictionaries(
        st.from_regex(r'[A-Za-z0-9_-]+', fullmatch=True),
        st.fixed_dictionaries({'path': st.just('x')}, optional={'batch_max': NUMBERS}),
    ),
)
def test_what_is_shown_loads_to_the_same_values(
    plugins: dict[str, Any],
    load_text: Callable[..., Config],
    executor: dict[str, Any],
    log: dict[str, Any],
    lines: dict[str, Any],
) -> None:
    values = {
        'drakkar': {'handler': 'count'},
        'executor': executor,
        'log': log,
        'sinks': {'line': lines},
    }
    config = load(None, environ={}, values=values, **plugins)
    text = as_ini(config)
    if '***' not in text:  # a text may look like a URL with credentials
        assert load_text(text) == config
