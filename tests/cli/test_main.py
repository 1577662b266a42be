"""The frame of the command line: patching, lazy commands, messages and exit codes."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from drakkar._version import __version__
from drakkar.cli import main as main_module
from drakkar.cli.main import COMMANDS, cli
from drakkar.errors import ConfigError, ConnectError
from drakkar.plugins.contributions import CORE_COMMANDS

PATCHED = 'from gevent import monkey; print(monkey.is_module_patched("socket"))'


def python(*args: str, check: bool = True) -> str:
    """Return what a fresh, unpatched interpreter prints."""
    done = subprocess.run([sys.executable, *args], capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    'module', ['drakkar', 'drakkar.api', 'drakkar.plugins', 'drakkar.cli.main']
)
def test_importing_the_package_patches_nothing(module: str) -> None:
    assert python('-c', f'import {module}; {PATCHED}') == 'False'


def test_console_script_is_patched_before_anything_of_drakkar_is_imported() -> None:
    order = (
        'import sys; from gevent import monkey; real = monkey.patch_all\n'
        'def patch_all():\n'
        '    ours = sorted(m for m in sys.modules if m.startswith("drakkar"))\n'
        '    print(ours, "ssl" in sys.modules)\n'
        '    real()\n'
        'monkey.patch_all = patch_all\n'
        f'from drakkar.__main__ import main; {PATCHED}; print(main.__module__)'
    )
    lines = python('-c', order).splitlines()
    assert lines == ["['drakkar', 'drakkar.__main__'] False", 'True', 'drakkar.cli.main']


def test_version_runs_as_a_module_and_imports_no_plugin() -> None:
    shown = python('-X', 'importtime', '-m', 'drakkar', '--version')
    assert shown == f'drakkar {__version__}'
    done = subprocess.run(
        [sys.executable, '-X', 'importtime', '-m', 'drakkar', '--version'],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition('|')[2].strip() for line in done.stderr.splitlines()}
    assert 'drakkar.cli.main' in imported
    assert not imported & {'drakkar.plugins', 'marshmallow', 'structlog', 'rich', 'kafka'}


def test_every_command_exists_and_has_a_help_text() -> None:
    result = CliRunner().invoke(cli, ['--help'])
    assert result.exit_code == 0
    for name, path in COMMANDS.items():
        module, _, attribute = path.partition(':')
        command = getattr(importlib.import_module(module), attribute)
        assert command.name == name
        assert command.get_short_help_str(), name
        assert f'\n  {name} ' in result.output


def test_plugins_may_not_take_a_name_of_ours() -> None:
    assert set(COMMANDS) == CORE_COMMANDS


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Runs a command that raises the given error; returns its result."""

    def run(error: BaseException, *options: str) -> Result:
        @click.command('fail')
        def command() -> None:
            raise error

        holder = type(sys)('failing_command')
        holder.command = command  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, 'failing_command', holder)
        monkeypatch.setitem(main_module.COMMANDS, 'fail', 'failing_command:command')
        return CliRunner().invoke(cli, [*options, 'fail'])

    return run


def test_our_errors_give_a_line_for_each_problem(failing: Any) -> None:
    result = failing(ConfigError(['first is wrong', 'second is wrong']))
    assert result.stderr == 'error: first is wrong\nerror: second is wrong\n'
    assert result.stdout == ''
    assert result.exit_code == 2


def test_exit_code_comes_from_the_error(failing: Any) -> None:
    assert failing(ConnectError('no server')).exit_code == 3


def test_debug_adds_the_traceback(failing: Any) -> None:
    result = failing(ConnectError('no server'), '--debug')
    assert 'Traceback (most recent call last)' in result.stderr
    assert result.stderr.endswith('error: no server\n')
    assert result.exit_code == 3


def test_unexpected_error_is_one_line_with_a_hint(failing: Any) -> None:
    result = failing(KeyError('some\nthing'))
    assert result.stderr.count('\n') == 1
    assert result.stderr.startswith("error: unexpected KeyError: 'some\\nthing'; ")
    assert '--debug' in result.stderr
    assert result.exit_code == 1


def test_interrupt_ends_as_shells_expect(failing: Any) -> None:
    result = failing(KeyboardInterrupt())
    assert result.exit_code == 130
    assert 'Traceback' not in result.stderr


def test_usage_errors_are_click_s_own(failing: Any) -> None:
    result = failing(click.UsageError('what?'))
    assert result.exit_code == 2
    assert 'Error: what?' in result.stderr
    assert CliRunner().invoke(cli, ['--nonsense']).exit_code == 2


def test_unknown_command_is_a_usage_error_with_the_nearest_name() -> None:
    result = CliRunner().invoke(cli, ['prodcue'])
    assert result.exit_code == 2
    assert "Error: No such command 'prodcue'. Did you mean 'produce'?" in result.stderr


def test_closed_pipe_is_quiet() -> None:
    line = f'{sys.executable} -m drakkar --help | true; echo ${{PIPESTATUS[0]}}'
    done = subprocess.run(['bash', '-c', line], capture_output=True, text=True, check=True)
    assert done.stderr == ''
    assert done.stdout.strip() in ('0', '1')
