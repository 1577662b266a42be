"""What a valid configuration loads to, and which of its origins wins."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from marshmallow import Schema, fields

from drakkar.config.config import Config
from drakkar.config.loader import load
from drakkar.config.option import OptionSchema
from drakkar.contracts.sink import SinkSpec
from drakkar.errors import PluginError
from drakkar.models.delivery import SinkRef

Load = Callable[..., Config]

MINIMAL = '[drakkar]\nhandler = count\n'


def test_defaults(load_text: Load) -> None:
    config = load_text(MINIMAL)
    assert config.drakkar.handler == 'count'
    assert (config.drakkar.source, config.log.path) == ('log', 'drakkar-log')
    assert config.executor.max_executors == 4
    assert config.executor.env == {}
    assert config.executor.limits.cpu_seconds is None
    assert config.executor.env_inherit_deny[0] == 'DK_*'
    assert config.sinks.delivery_timeout_seconds == 30
    assert config.sink_instances == {}
    assert config.handler.asdict() == {}


def test_file_then_environment_then_flags(load_text: Load) -> None:
    text = MINIMAL + '[executor]\nmax_executors = 5\nwindow_size = 5\nmax_retries = 5\n'
    environ = {'DK_EXECUTOR__WINDOW_SIZE': '6', 'DK_EXECUTOR__MAX_RETRIES': '6'}
    config = load_text(text, environ, ['executor.max_retries=7'])
    executor = config.executor
    assert (executor.max_executors, executor.window_size, executor.max_retries) == (5, 6, 7)
    origins = [
        str(config.found.origin(('executor', key)))
        for key in ('max_executors', 'window_size', 'max_retries', 'kill_grace_seconds')
    ]
    assert origins == [
        'd.ini:4',
        'DK_EXECUTOR__WINDOW_SIZE',
        '--set executor.max_retries',
        'default',
    ]


def test_sink_instances_have_their_own_and_the_common_options(load_text: Load) -> None:
    config = load_text(
        MINIMAL + '[sinks.line.a]\npath = a.txt\nbatch_max = 9\n'
        '[sinks.line.b]\npath = b.txt\nlinger_ms = 0\n'
        '[sinks.db.main-db]\ndsn = postgresql://h/d\n'
        '[sinks.db.main-db.statements]\nbump = UPDATE x\n'
    )
    assert list(config.sink_instances) == [('line', 'a'), ('line', 'b'), ('db', 'main-db')]
    line = config.sink_instances[SinkRef('line', 'a')]
    assert (line.ref, line.spec.name, line.name) == (SinkRef('line', 'a'), 'line', 'a')
    # The line sink's own default for linger_ms, and the common one for queue_max.
    assert (line.options.path, line.options.batch_max) == ('a.txt', 9)
    assert (line.options.linger_ms, line.options.queue_max) == (5, 1000)
    assert config.sink_instances[SinkRef('line', 'b')].options.linger_ms == 0
    assert config.sinks.db['main-db'].statements == {'bump': 'UPDATE x'}


@pytest.mark.parametrize('variable', ['DK_SINKS__DB__MAIN_DB__DSN', 'DK_sinks__db__main_DB__Dsn'])
def test_a_variable_finds_a_named_section_whatever_its_spelling(
    load_text: Load, variable: str
) -> None:
    text = MINIMAL + '[sinks.db.main-DB]\ndsn = postgresql://h/file\n'
    config = load_text(text, {variable: 'postgresql://h/env'})
    assert {n: o.dsn for n, o in config.sinks.db.items()} == {'main-DB': 'postgresql://h/env'}


def test_a_variable_makes_a_named_section(load_text: Load) -> None:
    environ = {'DK_SINKS__DB__MAIN_DB__DSN': 'a=b', 'DK_SINKS__DB__MAIN_DB__POOL_MAX': '9'}
    config = load_text(MINIMAL, environ)
    assert {n: (o.dsn, o.pool_max) for n, o in config.sinks.db.items()} == {'main_db': ('a=b', 9)}


def test_free_keys_from_everywhere(load_text: Load) -> None:
    text = MINIMAL + '[executor.env]\nRG_COLORS = never\nLang = C\n'
    environ = {'DK_EXECUTOR__ENV__LANG': 'de', 'DK_EXECUTOR__ENV__MY__VAR': '1'}
    config = load_text(text, environ, ['executor.env.a.b=2'])
    assert config.executor.env == {'RG_COLORS': 'never', 'Lang': 'de', 'MY__VAR': '1', 'a.b': '2'}


def test_variables_that_are_no_options_are_left_alone(load_text: Load) -> None:
    load_text(MINIMAL, {'DK_CONFIG': 'x', 'DK_BLOCK_PLUGINS': 'y', 'OTHER__THING': 'z'})


def test_references_are_expanded_in_file_and_flags_only(load_text: Load) -> None:
    environ = {'NAME': 'value', 'DK_EXECUTOR__ENV__C': '${NAME}'}
    text = MINIMAL + '[executor.env]\nA = ${NAME}\nB = $${NAME}\n'
    config = load_text(text, environ, ['executor.env.D=${NAME}'])
    assert config.executor.env == {'A': 'value', 'B': '${NAME}', 'C': '${NAME}', 'D': 'value'}


def test_a_broken_reference_that_is_overridden_does_not_matter(load_text: Load) -> None:
    text = MINIMAL + '[log]\npath = ${UNSET}\n'
    assert load_text(text, {'DK_LOG__PATH': 'here'}).log.path == 'here'


def test_the_handler_gives_the_schema_of_its_section(load_text: Load) -> None:
    config = load_text('[drakkar]\nhandler = search\n[handler]\ndepth = 7\n')
    assert config.handler.depth == 7


def test_only_the_chosen_source_must_be_complete(load_text: Load) -> None:
    config = load_text(MINIMAL + '[broker]\nbrokers = a, b\n')
    assert (config.broker.brokers, config.broker.topic) == (['a', 'b'], None)


def test_a_plain_marshmallow_schema_will_do(plugins: dict[str, Any]) -> None:
    class Plain(Schema):
        size = fields.Integer(load_default=3)
        token = fields.String(load_default='hunter2')

    line = plugins['sinks']['line']
    spec = SinkSpec('plain', line.sink_class, line.payload_class, Plain)
    values = {'drakkar': {'handler': 'count'}, 'sinks': {'plain': {'x': {'size': '4'}}}}
    config = load(None, environ={}, values=values, **{**plugins, 'sinks': {'plain': spec}})
    options = config.sink_instances[SinkRef('plain', 'x')].options
    assert (options.size, options.batch_max) == (4, 500)
    masked = options.masked()
    assert (masked['size'], masked['token']) == (4, '***')
    assert 'hunter2' not in repr(config)


@pytest.mark.parametrize('schema', [Schema, OptionSchema])
def test_a_sink_without_options_has_those_of_all_sinks(
    plugins: dict[str, Any], schema: type[Schema]
) -> None:
    line = plugins['sinks']['line']
    spec = SinkSpec('plain', line.sink_class, line.payload_class, schema)
    values = {'drakkar': {'handler': 'count'}, 'sinks': {'plain': {'x': {'batch_max': '4'}}}}
    config = load(None, environ={}, values=values, **{**plugins, 'sinks': {'plain': spec}})
    assert config.sink_instances[SinkRef('plain', 'x')].options.batch_max == 4


def test_values_stand_for_a_file(plugins: dict[str, Any]) -> None:
    values = {
        'drakkar': {'handler': 'search'},
        'executor': {'max_executors': 2, 'env': {'A': '${B}'}, 'env_inherit_deny': ['X']},
        'handler': {'depth': 1},
    }
    config = load(None, environ={}, values=values, overrides=['handler.depth=2'], **plugins)
    assert (config.executor.max_executors, config.executor.env) == (2, {'A': '${B}'})
    assert (config.executor.env_inherit_deny, config.handler.depth) == (['X'], 2)


@pytest.mark.parametrize(
    ('text', 'environ', 'worker'),
    [
        ('worker_name = olaf', {'WORKER_ID': 'w1'}, 'olaf'),
        ('', {'WORKER_ID': 'w1'}, 'w1'),
        ('worker_name_env = POD', {'WORKER_ID': 'w1', 'POD': 'p1'}, 'p1'),
        ('', {}, f'{os.uname().nodename}-{os.getpid()}'),
    ],
)
def test_the_name_of_the_worker(
    load_text: Load, text: str, environ: dict[str, str], worker: str
) -> None:
    config = load_text(f'{MINIMAL}cluster_name = north\n{text}\n', environ)
    assert (config.worker_id, config.cluster) == (worker, 'north')
    assert config.is_named == bool(text or environ)


def test_a_configuration_may_be_changed_and_copied(load_text: Load) -> None:
    config = load_text(MINIMAL + '[sinks.line.a]\npath = a.txt\n', {'WORKER_ID': 'w1'})
    before = copy.deepcopy(config)
    config.executor.max_executors = 9
    config.sink_instances[SinkRef('line', 'a')].options.path = 'b.txt'
    assert config.sinks.line['a'].path == 'b.txt'
    assert (before.executor.max_executors, before.sinks.line['a'].path) == (4, 'a.txt')
    assert before.worker_id == 'w1'


def test_a_plugin_can_not_take_a_name_of_the_core(plugins: dict[str, Any]) -> None:
    sources = {'executor': plugins['sources']['log']}
    with pytest.raises(PluginError, match="source 'executor': the core has"):
        load(None, environ={}, **{**plugins, 'sources': sources})
    sinks = {'max_retries': plugins['sinks']['line']}
    with pytest.raises(PluginError, match="sink 'max_retries': the core has"):
        load(None, environ={}, **{**plugins, 'sinks': sinks})


def test_loading_is_fast(load_text: Load) -> None:
    text = MINIMAL + ''.join(f'[sinks.line.s{i}]\npath = {i}.txt\n' for i in range(20))
    durations = []
    for _ in range(5):
        started = time.perf_counter()
        load_text(text)
        durations.append(time.perf_counter() - started)
    assert min(durations) < 0.05


def test_loading_imports_no_gevent() -> None:
    code = 'import sys, drakkar.config.loader; sys.exit("gevent" in sys.modules)'
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, '-c', code], check=True, cwd=root)
