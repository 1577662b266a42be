"""`drakkar plugins` lists what there is, and why something was not loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from drakkar.cli.main import cli
from tests.plugins.distributions import SINK, Installer


@pytest.fixture
def installer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installer:
    """Installs plugin distributions for one test."""
    return Installer(tmp_path, monkeypatch)


def test_plain_lines_where_the_output_is_no_terminal(installer: Installer) -> None:
    installer.install('lines', SINK, version='2.0')
    result = CliRunner().invoke(cli, ['plugins'])
    assert 'lines\tlines\t2.0\tloaded\tsink line' in result.stdout.splitlines()
    assert result.exit_code == 0


def test_json(installer: Installer) -> None:
    installer.install('lines', SINK)
    result = CliRunner(env={'DK_BLOCK_PLUGINS': 'lines'}).invoke(cli, ['plugins', '--json'])
    listed = {entry['name']: entry for entry in json.loads(result.stdout)['plugins']}
    assert listed['lines'] == {
        'name': 'lines',
        'distribution': 'lines',
        'version': '1.2',
        'status': 'blocked',
        'registers': [],
        'reason': 'in DK_BLOCK_PLUGINS',
    }
    assert listed['log']['registers'] == ['source log']


def test_broken_plugin_is_listed_and_sets_the_exit_code(installer: Installer) -> None:
    installer.install('lines', SINK)
    installer.install('culprit', 'import nothing_like_this')
    result = CliRunner().invoke(cli, ['plugins'])
    assert result.exit_code == 2
    assert (
        'culprit\tculprit\t1.2\tbroken\tits import raised ModuleNotFoundError: '
        "No module named 'nothing_like_this'"
    ) in result.stdout.splitlines()
    assert 'lines\tlines\t1.2\tloaded\tsink line' in result.stdout.splitlines()


def test_driver_that_is_missing_is_listed(installer: Installer) -> None:
    path = installer.module('sink', 'import no_such_driver')
    installer.install(
        'culprit',
        f"""
        @hookimpl
        def drakkar_register_sinks():
            return [SinkSpec('line', '{path}:LineSink', LinePayload, Schema)]
        """,
    )
    result = CliRunner().invoke(cli, ['plugins', '--json'])
    assert result.exit_code == 2
    listed = {entry['name']: entry for entry in json.loads(result.stdout)['plugins']}
    assert (listed['culprit']['status'], listed['culprit']['registers']) == ('broken', [])
    assert listed['culprit']['reason'] == (
        f"sink 'line': the import of {path}:LineSink raised ModuleNotFoundError: "
        "No module named 'no_such_driver'"
    )
    assert [name for name, entry in listed.items() if entry['status'] != 'loaded'] == ['culprit']


def test_command_of_a_plugin_runs(installer: Installer) -> None:
    installer.install(
        'greeter',
        """
        @hookimpl
        def drakkar_register_commands():
            return [click.Command('greet', callback=lambda: click.echo('hello'), help='Say it.')]
        """,
    )
    assert CliRunner().invoke(cli, ['greet']).stdout == 'hello\n'
    assert 'Say it.' in CliRunner().invoke(cli, ['--help']).stdout


def test_broken_plugin_is_named_where_its_command_may_be_meant(installer: Installer) -> None:
    installer.install('culprit', 'import nothing_like_this')
    result = CliRunner().invoke(cli, ['greet'])
    assert result.exit_code == 2
    assert result.stderr.startswith("error: plugin 'culprit' of culprit 1.2 is broken: ")
