"""`drakkar dlq list`: one row for each letter, and how many there are of which kind."""

from __future__ import annotations

import heapq
import itertools
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import click

from drakkar import jsonio
from drakkar.cli.common import config_options, load_config
from drakkar.cli.dlq.filters import Filters, filter_options
from drakkar.cli.dlq.letters import Foreign, Letter, read_letters, reader_for
from drakkar.cli.dlq.text import one_line
from drakkar.cli.dlq.times import as_iso

_COLUMNS = ('id', 'time', 'message', 'stage', 'sink', 'error', 'attempts', 'worker', 'labels')
_MAX_ERROR = 300


@dataclass(slots=True)
class Counts:
    """How many letters were found, by step and by sink."""

    stages: Counter[str] = field(default_factory=Counter)
    sinks: Counter[str] = field(default_factory=Counter)

    @property
    def letters(self) -> int:
        return self.stages.total()

    def count(self, letters: Iterable[Letter]) -> Iterator[Letter]:
        """Pass letters on and count them."""
        for letter in letters:
            envelope = letter.envelope
            self.stages[envelope.stage] += 1
            if envelope.sink is not None:
                self.sinks[str(envelope.sink)] += 1
            yield letter

    def summary(self, shown: int, foreign: int) -> str:
        """Return all of it in words."""
        parts = [f'{self.letters:,} dead letter{"" if self.letters == 1 else "s"}']
        if shown < self.letters:
            parts[0] += f', the newest {shown:,} shown (--limit)'
        for counter in (self.stages, self.sinks):
            if counter:
                parts.append(', '.join(f'{one_line(k)} {n:,}' for k, n in counter.most_common()))
        if foreign:
            parts.append(f'{foreign:,} torn or foreign, skipped')
        return '; '.join(parts)


@click.command('list')
@config_options
@filter_options
@click.option(
    '--limit',
    type=click.IntRange(0),
    default=100,
    show_default=True,
    help='Show the newest so many, oldest first; 0 shows all in the order they are stored.',
)
@click.option('--json', 'as_json', is_flag=True, help='Print one JSON object a line.')
def list_command(
    config_path: str | None,
    overrides: tuple[str, ...],
    filters: Filters,
    limit: int,
    as_json: bool,
) -> None:
    """List dead letters, and count them by step and sink.

    A table on a terminal, else tab-separated lines. Lines that are no letters are
    reported on stderr and skipped. Exit codes: 0 listed (none is fine too), 1 a
    failure, 2 wrong usage or configuration, 3 no connection.
    """
    counts, foreign = Counts(), Foreign()
    with reader_for(load_config(config_path, overrides)) as reader:
        letters = read_letters(reader, reader.ends(), foreign)
        rows = _rows(counts.count(x for x in letters if filters.match(x.envelope)), limit)
        if as_json:
            shown = _print_lines(map(jsonio.dumps, rows))
        elif sys.stdout.isatty():
            shown = _print_table(rows)
        else:
            shown = _print_lines('\t'.join(_cells(row)) for row in rows)
    click.echo(counts.summary(shown, foreign.count), err=as_json)


def _rows(letters: Iterable[Letter], limit: int) -> Iterator[dict[str, Any]]:
    """Yield rows as they come, or the newest `limit` of them in order of time."""
    if not limit:
        yield from map(_row, letters)
        return
    newest: list[tuple[float, int, dict[str, Any]]] = []
    number = itertools.count()  # letters of the same time stay in the order they are stored
    for letter in letters:
        entry = (letter.envelope.time, next(number), _row(letter))
        if len(newest) < limit:
            heapq.heappush(newest, entry)
        else:
            heapq.heappushpop(newest, entry)
    yield from (row for _, _, row in sorted(newest, key=lambda entry: entry[:2]))


def _row(letter: Letter) -> dict[str, Any]:
    envelope, message = letter.envelope, letter.envelope.message
    return {
        'id': letter.id,
        'time': as_iso(envelope.time),
        'topic': message.topic,
        'partition': message.partition,
        'offset': message.offset,
        'stage': envelope.stage,
        'sink': None if envelope.sink is None else str(envelope.sink),
        'error': envelope.error,
        'attempts': envelope.attempts,
        'worker': envelope.worker,
        'labels': envelope.labels,
    }


def _cells(row: dict[str, Any]) -> list[str]:
    place = f'{row["topic"]}:{row["partition"]}:{row["offset"]}' if row['topic'] else '-'
    labels = ' '.join(f'{key}={value}' for key, value in row['labels'].items())
    cells = {**row, 'message': place, 'sink': row['sink'] or '-', 'labels': labels}
    cells['error'] = one_line(row['error'], _MAX_ERROR)
    return [one_line(str(cells[column])) for column in _COLUMNS]


def _print_lines(lines: Iterable[str]) -> int:
    count = 0
    for line in lines:
        click.echo(line)
        count += 1
    return count


def _print_table(rows: Iterable[dict[str, Any]]) -> int:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for column in _COLUMNS:
        table.add_column(column, overflow='fold')
    for row in rows:
        # Text, since an error may hold square brackets, which are rich's own markup.
        table.add_row(*map(Text, _cells(row)))
    if table.row_count:
        Console().print(table)
    return table.row_count
