"""Every mistake is told, all at once, by the place where it was made."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drakkar.config.loader import load
from drakkar.errors import EXIT_USAGE, ConfigError

Problems = Callable[..., list[str]]

MINIMAL = '[drakkar]\nhandler = count\n'
SECRET = 'hunter2'


def test_all_mistakes_are_told_at_once_in_order(problems: Problems) -> None:
    text = (
        'early = 1\n'
        '[drakkar]\n'
        'handler = serch\n'
        'source = lgo\n'
        '[executor]\n'
        'max_executors = four\n'
        'max_executors = 4\n'
        '[metrics]\n'
        'port = 99999\n'
    )
    environ = {'DK_LOGGING__FORMAT': 'xml'}
    assert problems(text, environ, ['source.on_parse_error=ignore']) == [
        'd.ini:1: early: stands before the first [section]',
        'd.ini:3: [drakkar] handler = serch: no such handler',
        'd.ini:4: [drakkar] source = lgo: no plugin registers a source of this name, did you mean '
        "'log'? known: log, broker",
        'd.ini:6: [executor] max_executors = four: expected a whole number from 1 to 10000',
        'd.ini:7: [executor] max_executors: duplicate key, the first is in line 6',
        'd.ini:9: [metrics] port = 99999: expected a whole number from 0 to 65535',
        'DK_LOGGING__FORMAT: [logging] format = xml: expected json or console',
        '--set source.on_parse_error: [source] on_parse_error = ignore: expected dlq, skip or pass',
    ]


@pytest.mark.parametrize(
    ('section', 'text'),
    [
        ('executer', 'unknown section, did you mean [executor]? known: drakkar, '),
        ('executor.limit', 'unknown section, did you mean [executor.limits]? known in [executor]'),
        ('sinks.lin.a', 'unknown section, did you mean [sinks.line.a]? known in [sinks]: line, db'),
        ('sinks.line', 'needs a name: [sinks.line.NAME]'),
        ('sinks.line.a b', "'a b' is no name for a section"),
        ('sinks.line.', "'' is no name for a section"),
        ('executor.env.deep', 'this section has no sub-sections'),
        ('sinks.line.a.b', 'unknown section; known in [sinks.line.a]: none'),
        ('executor.max_executors', 'unknown section; known in [executor]: env, limits'),
        ('DEFAULT', 'unknown section; known: drakkar, '),
    ],
)
def test_unknown_sections(problems: Problems, section: str, text: str) -> None:
    (problem,) = problems(f'{MINIMAL}[{section}]\n')
    assert problem.startswith(f'd.ini:3: [{section}]: {text}')


@pytest.mark.parametrize(
    ('line', 'text'),
    [
        ('max_executers = 3', "unknown option, did you mean 'max_executors'? known: binary_path, "),
        ('Max-Executors = 3', "unknown option, did you mean 'max_executors'? known: binary_path, "),
        ('commit_interval_ms = 3', 'unknown option, it belongs in [source]; known: binary_path, '),
        ('zzzz = 3', 'unknown option; known: binary_path, '),
        ('limits = 3', 'is a section: write it as [executor.limits]'),
    ],
)
def test_unknown_options(problems: Problems, line: str, text: str) -> None:
    (problem,) = problems(f'{MINIMAL}[executor]\n{line}\n')
    key = line.partition(' ')[0]
    assert problem.startswith(f'd.ini:4: [executor] {key}: {text}')


@pytest.mark.parametrize(
    ('variable', 'text'),
    [
        ('DK_EXECUTOR__WINDOW_SICE', 'unknown option, did you mean DK_EXECUTOR__WINDOW_SIZE?'),
        ('DK_SINKS__DBS__M__DSN', 'unknown option, did you mean DK_SINKS__DB__M__DSN?'),
        ('DK_QQQ__WWW', 'unknown option; known in sections: drakkar, '),
        ('DK_SINKS__DB__MAIN', "unknown option: 'MAIN' is a section, not an option"),
        ('DK_EXECUTOR__MAX_RETRIES__X', 'unknown option; known in [executor.max_retries]: none'),
        ('DK_EXECUTOR__', 'unknown option; known in [executor]: binary_path, '),
        ('DK___', 'unknown option; known in sections: drakkar, '),
        (
            'DK_EXECUTOR_WINDOW_SIZE',
            '`__` separates section and key, did you mean DK_EXECUTOR__WINDOW_SIZE?',
        ),
        ('DK_SINKS_DB_MAIN_DSN', '`__` separates section and key, did you mean DK_SINKS__DB__MAIN'),
    ],
)
def test_unknown_variables(problems: Problems, variable: str, text: str) -> None:
    (problem,) = problems(MINIMAL, {variable: '1'})
    assert problem.startswith(f'{variable}: {text}')


@pytest.mark.parametrize('variable', ['DK_CONFIG', 'DK_EXECUTOR', 'DK_EXECUTOR_HOME', 'DK_', 'DK'])
def test_variables_that_are_not_about_options(load_text: Any, variable: str) -> None:
    assert load_text(MINIMAL, {variable: '1'}).drakkar.handler == 'count'


@pytest.mark.parametrize(
    ('flag', 'text'),
    [
        ('executor.window_sice=1', 'executor.window_sice: unknown option, did you mean '
         'executor.window_size?'),
        ('window_size=1', 'window_size: expected --set section.key=value'),
        ('executor.window_size', 'executor.window_size: expected --set section.key=value'),
        ('executor.limits=1', "executor.limits: unknown option: 'limits' is a section"),
        ('=', ': expected --set section.key=value'),
    ],
)  # fmt: skip
def test_wrong_flags(problems: Problems, flag: str, text: str) -> None:
    (problem,) = problems(MINIMAL, {}, [flag])
    assert problem.startswith(f'--set {text}')


def test_a_rule_across_options_tells_both_values_and_where_they_are(problems: Problems) -> None:
    text = MINIMAL + '[executor]\nbackpressure_low_multiplier = 9\n'
    environ = {'DK_EXECUTOR__BACKPRESSURE_HIGH_MULTIPLIER': '8'}
    assert problems(text, environ) == [
        'd.ini:4: [executor]: backpressure_low_multiplier (9) must be less than '
        'backpressure_high_multiplier (8) '
        '(see DK_EXECUTOR__BACKPRESSURE_HIGH_MULTIPLIER too)'
    ]


@pytest.mark.parametrize('section', ['executor', 'sinks', 'dlq'])
def test_a_backoff_must_not_be_above_its_maximum(problems: Problems, section: str) -> None:
    (problem,) = problems(MINIMAL, {}, [f'{section}.retry_backoff_seconds=31'])
    assert problem == (
        f'--set {section}.retry_backoff_seconds: [{section}]: retry_backoff_seconds (31.0) '
        'must not be more than retry_backoff_max_seconds (30.0)'
    )


def test_what_is_required_and_missing(problems: Problems) -> None:
    text = '[drakkar]\nsource = broker\n[sinks.line.a]\n'
    assert problems(text) == [
        'd.ini:1: [drakkar] handler: missing, it is required; expected text (Handler: the name '
        'of a plugin, or an import path `package.module:Class`.)',
        'd.ini:3: [sinks.line.a] path: missing, it is required; expected a path (File that '
        'receives one line a payload.)',
        'd.ini: [broker] brokers: missing, it is required; expected a list separated by commas '
        'or line ends (Addresses.)',
        'd.ini: [broker] topic: missing, it is required; expected text (Topic.)',
    ]


def test_options_for_a_handler_that_takes_none(problems: Problems) -> None:
    (problem,) = problems(MINIMAL + '[handler]\ndepth = 1\n')
    assert problem == 'd.ini:4: [handler] depth: unknown option; known: none'


def test_a_comment_behind_a_value_is_explained(problems: Problems) -> None:
    (problem,) = problems(MINIMAL + '[metrics]\nport = 9090 # default\n')
    assert problem == (
        'd.ini:4: [metrics] port = 9090 # default: expected a whole number from 0 to 65535 '
        '(a comment needs a line of its own)'
    )


def test_a_broken_reference_is_told_as_it_is_written(problems: Problems) -> None:
    text = MINIMAL + '[metrics]\nport = ${PORT}\nhost = ${HOST\n[log]\npath = ${UNSET}\n'
    assert problems(text, {'PORT': SECRET}) == [
        'd.ini:4: [metrics] port = ${PORT}: expected a whole number from 0 to 65535',
        'd.ini:5: [metrics] host = ${HOST: `${` must begin a reference ${NAME}; write `$${` for '
        'a plain `${`',
        'd.ini:7: [log] path = ${UNSET}: environment variable UNSET is not set',
    ]


def test_a_required_option_with_a_broken_reference_is_told_once(problems: Problems) -> None:
    assert problems(MINIMAL + '[sinks.line.a]\npath = ${UNSET}\n') == [
        'd.ini:4: [sinks.line.a] path = ${UNSET}: environment variable UNSET is not set'
    ]


@pytest.mark.parametrize(
    ('text', 'environ', 'flags'),
    [
        (f'dsn = mysql://olaf:{SECRET}@h\n', {}, []),
        (f'dsn = postgresql://h\npasword = {SECRET}\n', {}, []),
        (f'dsn = a={SECRET}\npassword = a={SECRET}\n', {}, []),
        (f'dsn = postgresql://h\npassword = {SECRET} ${{UNSET}}\n', {}, []),
        (f'dsn = postgresql://h\npassword = x\n{SECRET}\n', {}, []),
        ('', {'DK_SINKS__DB__MAIN__DSN': f'olaf:{SECRET}://@'}, []),
        (f'dsn = olaf:{SECRET}@h/d\n', {}, []),
        (f'dsn = postgresql://h\npassword = guest{SECRET}\n', {}, []),
        ('', {'DK_SINKS__DB__MAIN__PASWORD': SECRET}, []),
        ('dsn = postgresql://h\n', {}, [f'sinks.db.main.pasword={SECRET}']),
        ('dsn = postgresql://h\n', {}, [f'executor.env.API_TOKEN={SECRET}${{UNSET}}']),
    ],
)
def test_no_secret_is_in_any_message(
    problems: Problems, text: str, environ: dict[str, str], flags: list[str]
) -> None:
    found = problems(f'{MINIMAL}[sinks.db.main]\n{text}', environ, flags)
    assert found
    assert SECRET not in '\n'.join(found)


def failure(path: Path, plugins: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path, environ={}, **plugins)
    assert caught.value.exit_code == EXIT_USAGE
    (problem,) = caught.value.problems
    return problem


def test_files_that_can_not_be_read(tmp_path: Path, plugins: dict[str, Any]) -> None:
    missing = tmp_path / 'none.ini'
    start = 'the configuration can not be read: '
    assert failure(missing, plugins) == f'{missing}: {start}No such file or directory'
    assert failure(tmp_path, plugins) == f'{tmp_path}: {start}Is a directory'
    latin = tmp_path / 'latin.ini'
    latin.write_bytes('[drakkar]\nhandler = søk\n'.encode('latin-1'))
    assert failure(latin, plugins).startswith(f'{latin}: not a text in UTF-8')


def test_no_file_at_all(plugins: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match='no configuration file: give -c FILE, or set DK_CONFIG'):
        load(None, environ={}, **plugins)


SYNTAX = list('[]=._-#;${} \n\t')
NAMES = ['drakkar', 'handler', 'source', 'executor', 'max_retries', 'env', 'limits', 'nice']
NAMES += ['sinks', 'line', 'db', 'dsn', 'path', 'log', 'search', 'count', 'DEFAULT', '1', 'true']
WORDS = st.sampled_from(SYNTAX + NAMES)
GARBAGE = st.text() | st.lists(WORDS).map(''.join) | st.lists(WORDS).map(' '.join)
VARIABLES = st.dictionaries(st.lists(WORDS).map(lambda ws: 'DK_' + '__'.join(ws).upper()), GARBAGE)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(GARBAGE, VARIABLES, st.lists(GARBAGE))
def test_garbage_is_a_configuration_error_and_nothing_else(
    tmp_path: Path,
    plugins: dict[str, Any],
    text: str,
    environ: dict[str, str],
    flags: list[str],
) -> None:
    path = tmp_path / 'garbage.ini'
    path.write_bytes(text.encode('utf-8', 'surrogatepass'))
    with contextlib.suppress(ConfigError):
        load(path, environ=environ, overrides=flags, **plugins)
