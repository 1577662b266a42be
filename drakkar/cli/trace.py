"""`drakkar trace`: what happened to a message, from the recorder files of all workers."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from drakkar import jsonio
from drakkar.cli.common import config_options, load_config
from drakkar.cli.dlq.text import one_line
from drakkar.cli.dlq.times import as_iso
from drakkar.errors import ConfigError, DrakkarError
from drakkar.recorder.databases import Databases
from drakkar.recorder.targets import BadTargetError, MessageAt, Named, parse_target
from drakkar.recorder.trace import Search, places, trace
from drakkar.recorder.words import in_words, is_failure, place

_COLUMNS = ('after', 'time', 'worker', 'event', 'place', 'task', 'took', 'what')


class Target(click.ParamType):
    """What to trace, as `drakkar.recorder.targets` reads it."""

    name = 'target'

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> MessageAt | Named:
        try:
            return parse_target(value)
        except BadTargetError as error:
            self.fail(str(error), param, ctx)


@click.command('trace', short_help='Tell what happened to a message.')
@click.argument('target', metavar='PARTITION:OFFSET|LABEL', type=Target())
@config_options
@click.option(
    '--db-dir',
    metavar='DIR',
    type=click.Path(exists=True, file_okay=False),
    help='Folder of recorder files, instead of the one that the configuration names.',
)
@click.option(
    '--seconds',
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help='How long to search.',
)
@click.option('--json', 'as_json', is_flag=True, help='Print one JSON object.')
def trace_command(
    target: MessageAt | Named,
    config_path: str | None,
    overrides: tuple[str, ...],
    db_dir: str | None,
    seconds: float,
    as_json: bool,
) -> None:
    """Tell what happened to a message, step by step, whichever worker had it.

    Name the message as PARTITION:OFFSET or TOPIC:PARTITION:OFFSET, or what it led
    to: a label as VALUE or KEY=VALUE, the id of a task or of an HTTP request. All
    files in [debug] db_dir are searched, those of running workers first.

    A table on a terminal, else tab-separated lines. Exit codes: 0 found, 1 not found
    or a failure, 2 wrong usage or configuration.
    """
    folder = Path(db_dir) if db_dir else _configured(config_path, overrides)
    deadline = time.monotonic() + seconds
    found = trace(target, Search(places(Databases(folder), deadline), deadline))
    if as_json:
        click.echo(jsonio.dumps(found))
    elif sys.stdout.isatty():
        _print_table(found)
    else:
        for cells in _cells(found):
            click.echo('\t'.join(cells))
    _tell_problems(found)
    if not found['found']:
        raise DrakkarError(_not_found(found, folder))


def _configured(config_path: str | None, overrides: tuple[str, ...]) -> Path:
    folder = load_config(config_path, overrides).config.debug.db_dir
    if not folder:
        raise ConfigError(
            '[debug] db_dir is empty: events are kept in memory only, see the page Debug of the'
            ' worker; --db-dir names a folder of recorder files'
        )
    return Path(folder)


def _tell_problems(found: dict[str, Any]) -> None:
    for each in found['problems']:
        click.echo(f'warning: {one_line(each["problem"])}', err=True)
    if not found['complete']:
        click.echo('warning: the time was over before all was searched (--seconds)', err=True)
    if found['more']:
        click.echo('warning: there is more than is shown; name a single message', err=True)


def _not_found(found: dict[str, Any], folder: Path) -> str:
    files = f'{found["searched"]:,} file{"" if found["searched"] == 1 else "s"}'
    return f'nothing is known of {one_line(found["target"])}: searched {files} in {folder}'


def _cells(found: dict[str, Any]) -> Iterator[list[str]]:
    for row in found['rows']:
        cells = (
            f'+{row["after"]:.3f}',
            as_iso(row['ts']),
            row['worker'],
            row['event'],
            place(row),
            row['task_id'] or '',
            '' if row['duration'] is None else f'{row["duration"]:.3f}',
            in_words(row),
        )
        yield [one_line(cell) for cell in cells]


def _print_table(found: dict[str, Any]) -> None:
    if not found['found']:
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows = found['rows']
    took = rows[-1]['after']
    names = ', '.join(dict.fromkeys(row['worker'] for row in rows))
    table = Table(
        title=Text(f'{one_line(found["target"])}: {len(rows)} events in {took:.3f} s on {names}'),
        title_justify='left',
    )
    for column in _COLUMNS:
        right = column in ('after', 'took')
        table.add_column(
            f'{column} (s)' if right else column,
            justify='right' if right else 'left',
            overflow='fold',
            ratio=1 if column == 'what' else None,
        )
    for row, cells in zip(rows, _cells(found), strict=True):
        # Text, since a value may hold square brackets, which are rich's own markup.
        table.add_row(*map(Text, cells), style='red' if is_failure(row) else None)
    Console().print(table)
