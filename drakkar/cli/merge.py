"""`drakkar merge`: several recorder files in one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from drakkar import jsonio
from drakkar.cli.dlq.text import one_line
from drakkar.recorder.merge import Merged, Progress, merge


@click.command('merge', short_help='Put several recorder files into one.')
@click.argument('files', metavar='FILES...', nargs=-1, required=True)
@click.option(
    '-o',
    '--output',
    metavar='OUT',
    help='The new file, or a folder for merged-TIME.db. Without it: this folder.',
)
@click.option(
    '--skip-broken', is_flag=True, help='Merge what can be read, and only warn of the rest.'
)
@click.option('--json', 'as_json', is_flag=True, help='Print one JSON object.')
def merge_command(
    files: tuple[str, ...], output: str | None, skip_broken: bool, as_json: bool
) -> None:
    """Put the events of several recorder files into one new file, in order of time.

    FILES may be those of running workers, and merged ones: an event that is in
    several is taken once. Each row keeps its worker in the column `worker`. Nothing
    is overwritten, and the new file appears when it is complete.

    Exit codes: 0 merged, 1 a failure, 2 wrong usage.
    """
    with _progress() as progress:
        done = merge(files, output or '.', progress=progress, skip_broken=skip_broken)
    for problem in done.skipped.values():
        click.echo(f'warning: {one_line(problem)}', err=True)
    click.echo(jsonio.dumps(_fields(done)) if as_json else _words(done))


def _fields(done: Merged) -> dict[str, object]:
    return {
        'path': str(done.path),
        'files': done.files,
        'events': done.events,
        'duplicates': done.duplicates,
        'workers': done.workers,
        'skipped': done.skipped,
    }


def _words(done: Merged) -> str:
    files = f'{done.files} file{"" if done.files == 1 else "s"}'
    again = f' ({done.duplicates:,} came more than once)' if done.duplicates else ''
    who = one_line(', '.join(done.workers))
    return f'{Path(done.path)}: {done.events:,} events of {files}{again}, of {who}'


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """Show a bar on a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    columns = (BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task('merge', total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
