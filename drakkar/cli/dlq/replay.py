"""`drakkar dlq replay`: put the messages behind letters into the source again."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click

from drakkar import jsonio
from drakkar.cli.common import Loaded, config_options, load_config
from drakkar.cli.dlq.filters import Filters, filter_options
from drakkar.cli.dlq.letters import Letter, reader_for
from drakkar.cli.dlq.replay_job import ReplayJob
from drakkar.cli.dlq.replayer import Rules
from drakkar.cli.dlq.tally import Tally
from drakkar.cli.dlq.targets import Targets
from drakkar.cli.dlq.text import one_line
from drakkar.errors import EXIT_FAILURE, EXIT_OK, DrakkarError

# More messages than this are not replayed from a terminal without asking.
_ASK_ABOVE = 100
_MAX_ERROR = 120


@dataclass(slots=True)
class Report:
    """Says what was done, or would be, for people or as one JSON object."""

    tally: Tally
    as_json: bool
    dry_run: bool = False
    started: float = field(default_factory=time.monotonic)
    begun: bool = False
    """Whether the letters are being read; before, an error says all."""

    def begin(self) -> None:
        """Count the time from now on."""
        self.begun, self.started = True, time.monotonic()

    def planned(self, topic: str, letter: Letter) -> None:
        """Tell of one message of a dry run."""
        message, envelope = letter.envelope.message, letter.envelope
        sink = f' {envelope.sink}' if envelope.sink else ''
        click.echo(
            f'would replay {one_line(message.topic)}:{message.partition}:{message.offset}'
            f' to {one_line(topic)} ({letter.id}; {envelope.stage}{sink}:'
            f' {one_line(envelope.error, _MAX_ERROR)})'
        )

    def end(self, error: str = '') -> None:
        """Print the summary; on stderr where it is not the result."""
        seconds = time.monotonic() - self.started
        if self.as_json:
            fields = {'dry_run': self.dry_run, **self.tally.as_dict()}
            click.echo(jsonio.dumps({**fields, 'seconds': round(seconds, 3), 'error': error}))
            return
        count = self.tally.replayed
        text = f'{count:,} message{"" if count == 1 else "s"}'
        topics = ', '.join(map(one_line, sorted(self.tally.targets)))
        where = f' to {topics}' if topics else ''
        if self.dry_run:
            text = f'would replay {text}{where}'
        else:
            text = f'{text} replayed{where} in {seconds:.1f} s'
        text = '; '.join([text, *self.tally.words()])
        if error:
            click.echo(f'stopped: {text}; the same command goes on from here', err=True)
        else:
            click.echo(text)


@contextmanager
def _reported(report: Report) -> Iterator[None]:
    """Print the summary whatever happens."""
    try:
        yield
    except (DrakkarError, KeyboardInterrupt) as error:
        if report.as_json or report.begun:
            report.end(str(error) or 'interrupted')
        raise
    report.end()


@click.command('replay')
@click.argument('ids', nargs=-1, metavar='[ID]...')
@config_options
@filter_options
@click.option('--dry-run', is_flag=True, help='Say what would be replayed, and do nothing.')
@click.option('--limit', type=click.IntRange(1), help='Replay at most so many messages.')
@click.option('--to', metavar='TOPIC', default='', help='Write to TOPIC, not to the original one.')
@click.option('--repartition', is_flag=True, help='Let the key decide, not the old partition.')
@click.option('--keep-timestamps', is_flag=True, help="Keep the messages' original times.")
@click.option(
    '--max-replays',
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help='Leave messages that were replayed so often.',
)
@click.option('--again', is_flag=True, help='Replay also what was replayed before.')
@click.option('--rate', type=click.FloatRange(0, min_open=True), help='Most messages a second.')
@click.option(
    '--bookmark',
    type=click.Path(dir_okay=False, path_type=Path),
    metavar='FILE',
    help='What was replayed; by default replayed-SOURCE.db in [dlq] path.',
)
@click.option('-y', '--yes', is_flag=True, help='Do not ask.')
@click.option('--json', 'as_json', is_flag=True, help='Print the summary as one JSON object.')
def replay_command(
    ids: tuple[str, ...],
    config_path: str | None,
    overrides: tuple[str, ...],
    filters: Filters,
    dry_run: bool,
    limit: int | None,
    to: str,
    repartition: bool,
    keep_timestamps: bool,
    max_replays: int,
    again: bool,
    rate: float | None,
    bookmark: Path | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Write the messages behind dead letters into the source again.

    All letters are meant, or those of the IDs and filters. A message goes back
    whole, to its topic and partition, once however many letters it has. What was
    replayed is remembered: run the same command again after an interruption, or
    after new failures. Letters stay where they are.

    Exit codes: 0 all replayed, 1 a message was not or a failure, 2 wrong usage or
    configuration, 3 no connection.
    """
    loaded = load_config(config_path, overrides)
    tally = Tally()
    rules = Rules(_reads(loaded), to, max_replays, limit, rate, repartition, keep_timestamps)
    path = bookmark or _bookmark_path(loaded)
    report = Report(tally, as_json, dry_run)
    with _reported(report), Targets(loaded) as targets, reader_for(loaded) as reader:
        job = ReplayJob(reader, reader.ends(), filters, frozenset(ids), rules, path, again)
        total = None if dry_run else _expected(job, yes)
        report.begin()
        if dry_run:
            job.plan(tally, None if as_json else report.planned)
        else:
            job.run(targets, tally, total)
    sys.exit(EXIT_FAILURE if tally.left else EXIT_OK)


def _expected(job: ReplayJob, yes: bool) -> int | None:
    """Look ahead where somebody watches: for the question and the bar. Raises click.Abort."""
    ask = sys.stdin.isatty() and not yes
    if not (ask or sys.stderr.isatty()):
        return None
    tally = Tally.silent()
    job.plan(tally)
    if ask and tally.replayed > _ASK_ABOVE:
        topics = ', '.join(map(one_line, sorted(tally.targets)))
        click.confirm(f'Replay {tally.replayed:,} messages to {topics}?', abort=True, err=True)
    return tally.replayed


def _reads(loaded: Loaded) -> functools.partial[bool]:
    spec = loaded.plugins.sources[loaded.config.drakkar.source]
    return functools.partial(spec.reads or (lambda *_: True), loaded.config)


def _bookmark_path(loaded: Loaded) -> Path:
    config = loaded.config
    return Path(config.dlq.path) / f'replayed-{config.drakkar.source}.db'
