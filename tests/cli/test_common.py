"""Loading a configuration for a command."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from drakkar.cli.common import config_options, load_config
from drakkar.errors import ConfigError, PluginError
from drakkar.plugins import PluginManager
from tests.plugins.distributions import SINK, Installer

HANDLER = """
import drakkar.api as dk

class Options(dk.OptionSchema):
    depth = dk.option.Int(default=3, description='How deep.')

class Search(dk.Handler):
    options_schema = Options

    def arrange(self, messages, pending):
        return []
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration and the module of its handler beside it."""
    monkeypatch.setattr(sys, 'path', list(sys.path))
    monkeypatch.delitem(sys.modules, 'handlers_of_common', raising=False)
    (tmp_path / 'handlers_of_common.py').write_text(HANDLER, encoding='utf-8')
    (tmp_path / 'drakkar.ini').write_text(
        '[drakkar]\nhandler = handlers_of_common:Search\n'
        f'[log]\npath = {tmp_path}/log\n'
        '[handler]\ndepth = 5\n',
        encoding='utf-8',
    )
    return tmp_path


def test_handler_beside_the_file_and_its_options(folder: Path) -> None:
    config, handler, plugins = load_config(folder / 'drakkar.ini', environ={})
    assert handler.__name__ == 'Search'
    assert config.handler.depth == 5
    assert 'log' in plugins.sources


def test_only_sinks_that_are_configured_are_imported(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installer = Installer(folder, monkeypatch)
    sink = installer.module('sink', 'import no_such_driver')
    options = 'from drakkar.config.option import OptionSchema\nclass Schema(OptionSchema): pass\n'
    installer.install('lines', options + SINK.replace('LineSink', f"'{sink}:LineSink'"))
    assert 'line' in load_config(folder / 'drakkar.ini', environ={}).plugins.sinks
    with pytest.raises(PluginError, match=r"plugin 'lines' .* is broken: .*no_such_driver"):
        load_config(folder / 'drakkar.ini', environ={'DK_SINKS__LINE__A__BATCH_MAX': '5'})


def test_environment_and_overrides(folder: Path) -> None:
    ini = folder / 'drakkar.ini'
    environ = {'DK_HANDLER__DEPTH': '6', 'DK_EXECUTOR__MAX_EXECUTORS': '9'}
    config = load_config(ini, ['handler.depth=7'], environ=environ).config
    assert (config.handler.depth, config.executor.max_executors) == (7, 9)


def test_blocked_plugin_is_unknown_to_the_configuration(folder: Path) -> None:
    with pytest.raises(ConfigError, match='source = log'):
        load_config(folder / 'drakkar.ini', environ={'DK_BLOCK_PLUGINS': 'log'})


def test_plugins_of_the_caller_are_used(folder: Path) -> None:
    plugins = PluginManager.load({})
    loaded = load_config(folder / 'drakkar.ini', plugins=plugins, environ={})
    assert loaded.plugins is plugins


def test_failure_of_the_handler_s_module_is_kept_as_the_cause(folder: Path) -> None:
    (folder / 'handlers_of_common.py').write_text('1 / 0\n', encoding='utf-8')
    with pytest.raises(ConfigError, match='ZeroDivisionError') as caught:
        load_config(folder / 'drakkar.ini', environ={})
    unresolved = caught.value.__cause__
    assert unresolved is not None
    assert isinstance(unresolved.__cause__, ZeroDivisionError)


@pytest.mark.parametrize(
    ('arguments', 'expected'),
    [
        (['-c', 'a.ini'], 'a.ini []'),
        (['--config', 'a.ini', '--set', 'x.y=1', '--set', 'z=2'], "a.ini ['x.y=1', 'z=2']"),
        ([], 'from-environment.ini []'),
    ],
)
def test_options_of_a_command(arguments: list[str], expected: str) -> None:
    @click.command()
    @config_options
    def command(config_path: str, overrides: tuple[str, ...]) -> None:
        click.echo(f'{config_path} {list(overrides)}')

    runner = CliRunner(env={'DK_CONFIG': 'from-environment.ini'})
    assert runner.invoke(command, arguments).stdout == f'{expected}\n'
