"""`drakkar produce`: put messages from a file or stdin into the configured source."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import click
import gevent

from drakkar import jsonio
from drakkar.cli.common import config_options, load_config
from drakkar.cli.produce_lines import InvalidLineError, LineFormat, chunks
from drakkar.contracts.source import Producer, ProducerRecord
from drakkar.errors import ConfigError, ConnectError, DrakkarError

_BATCH = 1000
# With --rate, so many batches a second at most.
_BATCHES_PER_SECOND = 10
_SHOWN_PROBLEMS = 10

Advance = Callable[[int, int], None]


@dataclass(slots=True)
class Written:
    """What was done so far: messages per partition, invalid lines skipped, seconds taken."""

    name: str
    partitions: Counter[int] = field(default_factory=Counter)
    skipped: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def messages(self) -> int:
        return self.partitions.total()

    def as_json(self, error: str = '') -> str:
        seconds = time.monotonic() - self.started
        return jsonio.dumps(
            {
                'source': self.name,
                'written': self.messages,
                'skipped': self.skipped,
                'seconds': round(seconds, 3),
                'partitions': {str(p): n for p, n in sorted(self.partitions.items())},
                'error': error,
            }
        )

    def __str__(self) -> str:
        seconds = time.monotonic() - self.started
        rate = self.messages / seconds if seconds else 0
        count = '1 message' if self.messages == 1 else f'{self.messages:,} messages'
        text = f'{count} written to {self.name} in {seconds:.1f} s ({rate:,.0f}/s)'
        return f'{text}, invalid lines skipped: {self.skipped:,}' if self.skipped else text


@dataclass(slots=True)
class Job:
    """One run of the command: reads, checks and writes lines in batches."""

    producer: Producer
    written: Written
    format: LineFormat
    skip_invalid: bool
    rate: float | None
    advance: Advance

    def send(self, name: str, stream: BinaryIO) -> None:
        """Write all lines of a stream. Raises InvalidLineError after those before the bad one."""
        number = 0
        for lines in chunks(stream):
            batch: list[ProducerRecord] = []
            for line in lines:
                number += 1
                try:
                    record = self.format.record(line)
                except ValueError as error:
                    self._invalid(f'{name} line {number}: {error}', batch)
                    continue
                if record is not None:
                    batch.append(record)
            self._write(batch)
            self.advance(self.written.messages, sum(len(line) + 1 for line in lines))

    def _invalid(self, problem: str, before: list[ProducerRecord]) -> None:
        if not self.skip_invalid:
            self._write(before)
            raise InvalidLineError(problem)
        self.written.skipped += 1
        if self.written.skipped <= _SHOWN_PROBLEMS:
            click.echo(f'skipped: {problem}', err=True)
        elif self.written.skipped == _SHOWN_PROBLEMS + 1:
            click.echo('skipped: further invalid lines are only counted', err=True)

    def _write(self, records: list[ProducerRecord]) -> None:
        size = _BATCH
        if self.rate is not None:
            size = min(_BATCH, max(1, int(self.rate / _BATCHES_PER_SECOND)))
        for start in range(0, len(records), size):
            self._pace()
            try:
                places = self.producer.append_many(records[start : start + size])
            except ValueError as error:
                raise ConfigError(str(error)) from error
            self.written.partitions.update(tp.partition for tp, _ in places)

    def _pace(self) -> None:
        if self.rate is not None:
            due = self.written.started + self.written.messages / self.rate
            gevent.sleep(max(0.0, due - time.monotonic()))


@click.command('produce', short_help='Write lines of a file or of stdin as messages.')
@click.argument('file', default='-', type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@config_options
@click.option('--key-field', metavar='NAME', help='Field of the JSON object that is the key.')
@click.option(
    '--partition', metavar='NUMBER', type=click.IntRange(0), help='Write to this partition only.'
)
@click.option('--raw', is_flag=True, help='Any line is a message, JSON or not.')
@click.option('--skip-invalid', is_flag=True, help='Report a bad line and go on.')
@click.option(
    '--repeat',
    metavar='TIMES',
    type=click.IntRange(1),
    default=1,
    help='Write the file so many times.',
)
@click.option(
    '--rate',
    metavar='NUMBER',
    type=click.FloatRange(0, min_open=True),
    help='Most messages a second.',
)
@click.option('--json', 'as_json', is_flag=True, help='Print the summary as one JSON object.')
def produce_command(
    file: str,
    config_path: str | None,
    overrides: tuple[str, ...],
    key_field: str | None,
    partition: int | None,
    raw: bool,
    skip_invalid: bool,
    repeat: int,
    rate: float | None,
    as_json: bool,
) -> None:
    """Write each line of FILE, or of stdin, as a message to the configured source.

    Lines are JSON unless --raw. At a bad line it stops: what came before it is
    written, nothing after it. The embedded log is made where there is none.

    \b
    Examples:
      echo '{"path": "/etc/passwd"}' | drakkar produce -c drakkar.ini
      drakkar produce -c drakkar.ini --key-field id --rate 500 requests.jsonl

    Exit codes: 0 all written, 1 a bad line or a failure, 2 wrong usage or
    configuration, 3 no connection.
    """
    if raw and key_field is not None:
        raise click.UsageError('--raw and --key-field exclude each other: a raw line has no fields')
    if file == '-' and repeat > 1:
        raise click.UsageError('--repeat needs a FILE: stdin can be read only once')
    name, producer = _producer(config_path, overrides)
    written = Written(name)
    fmt = LineFormat(raw, key_field, partition)
    total = None if file == '-' else Path(file).stat().st_size * repeat
    try:
        with producer, _progress(total) as advance:
            job = Job(producer, written, fmt, skip_invalid, rate, advance)
            for _ in range(repeat):
                _send(job, file)
    except (DrakkarError, KeyboardInterrupt) as error:
        if as_json:
            click.echo(written.as_json(str(error) or 'interrupted'))
        elif not isinstance(error, ConnectError):  # else nothing could have been written
            click.echo(f'stopped: {written}', err=True)
        raise
    click.echo(written.as_json() if as_json else str(written))


def _producer(config_path: str | None, overrides: tuple[str, ...]) -> tuple[str, Producer]:
    loaded = load_config(config_path, overrides)
    name = loaded.config.drakkar.source
    build = loaded.plugins.sources[name].build_producer
    if build is None:
        raise ConfigError(f'source {name} can only be read, `drakkar produce` can not write to it')
    return f'source {name}', build(loaded.config, loaded.config.worker_id)


def _send(job: Job, file: str) -> None:
    if file == '-':
        if sys.stdin.isatty():
            click.echo('reading messages from the terminal, a line each; Ctrl-D ends', err=True)
        job.send('stdin', sys.stdin.buffer)
        return
    with open(file, 'rb') as stream:
        job.send(file, stream)


@contextmanager
def _progress(total_bytes: int | None) -> Iterator[Advance]:
    """Show a bar on a terminal: of the file where its size is known, else a count."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        ProgressColumn,
        SpinnerColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns: list[ProgressColumn] = [
        SpinnerColumn(),
        BarColumn(),
        TextColumn('{task.fields[messages]:,} messages'),
    ]
    if total_bytes is not None:
        columns.append(TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task('produce', total=total_bytes, messages=0)
        yield lambda messages, size: progress.update(task, advance=size, messages=messages)
