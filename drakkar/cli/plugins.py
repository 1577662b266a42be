"""`drakkar plugins`: what is installed, from where, and why something was not loaded."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from drakkar import jsonio
from drakkar.errors import EXIT_OK, EXIT_USAGE
from drakkar.plugins import PluginInfo, PluginManager, Status

_STYLES = {Status.LOADED: 'green', Status.BLOCKED: 'yellow', Status.BROKEN: 'bold red'}


@click.command('plugins')
@click.option('--json', 'as_json', is_flag=True, help='Print one JSON object.')
def plugins_command(as_json: bool) -> None:
    """List plugins, and why one was not loaded.

    Shows origin, version and what each registers.
    Ends with exit code 2 where one is broken.
    """
    manager = PluginManager.scan()
    manager.try_sinks(manager.sinks)
    infos = manager.infos
    if as_json:
        click.echo(jsonio.dumps({'plugins': [_plain(info) for info in infos]}))
    elif sys.stdout.isatty():
        _print_table(infos)
    else:
        for info in infos:
            click.echo('\t'.join(_cells(info)))
    broken = any(info.status is Status.BROKEN for info in infos)
    sys.exit(EXIT_USAGE if broken else EXIT_OK)


def _plain(info: PluginInfo) -> dict[str, Any]:
    return {
        'name': info.name,
        'distribution': info.distribution,
        'version': info.version,
        'status': info.status.value,
        'registers': info.registers,
        'reason': info.reason,
    }


def _cells(info: PluginInfo) -> tuple[str, ...]:
    detail = ', '.join(info.registers) if info.status is Status.LOADED else info.reason
    return info.name, info.distribution, info.version, info.status.value, detail


def _print_table(infos: Sequence[PluginInfo]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table('plugin', 'distribution', 'version', 'status', 'registers, or why not')
    for info in infos:
        name, distribution, version, status, detail = _cells(info)
        # Text, since a reason may hold square brackets, which are rich's own markup.
        styled = Text(status, style=_STYLES[info.status])
        table.add_row(name, distribution, version, styled, Text(detail))
    Console().print(table)
