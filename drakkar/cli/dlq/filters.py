"""Which letters a command means: the options, and the decision."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from drakkar.cli.dlq.times import When
from drakkar.envelope import Envelope

STAGES = ('parse', 'arrange', 'execute', 'hook', 'deliver')


@dataclass(frozen=True, slots=True)
class Filters:
    """All that is given must hold; of several sinks, stages, topics or partitions any one."""

    sinks: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    error: str = ''
    since: float | None = None
    until: float | None = None
    labels: tuple[tuple[str, str], ...] = ()
    topics: tuple[str, ...] = ()
    partitions: tuple[int, ...] = ()

    def match(self, envelope: Envelope) -> bool:
        """Return whether a letter is meant."""
        message = envelope.message
        return (
            (not self.stages or envelope.stage in self.stages)
            and (not self.topics or message.topic in self.topics)
            and (not self.partitions or message.partition in self.partitions)
            and (self.since is None or envelope.time >= self.since)
            and (self.until is None or envelope.time < self.until)
            and (not self.sinks or self._match_sink(envelope))
            and self.error.casefold() in envelope.error.casefold()
            and all(envelope.labels.get(key) == value for key, value in self.labels)
        )

    def _match_sink(self, envelope: Envelope) -> bool:
        sink = envelope.sink
        return sink is not None and (sink.type in self.sinks or str(sink) in self.sinks)


class Label(click.ParamType):
    """`key=value`, as a pair."""

    name = 'label'

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        key, equals, wanted = value.partition('=')
        if not (key and equals):
            self.fail(f'{value!r} is no label: expected KEY=VALUE', param, ctx)
        return key, wanted


_OPTIONS = (
    click.option(
        '--sink',
        'sinks',
        metavar='TYPE[.NAME]',
        multiple=True,
        help='Of this sink only; repeatable.',
    ),
    click.option(
        '--stage',
        'stages',
        type=click.Choice(STAGES),
        multiple=True,
        help='Given up in this step only; repeatable.',
    ),
    click.option('--error', metavar='TEXT', default='', help='Whose error contains TEXT.'),
    click.option(
        '--since', type=When(), metavar='TIME', help='Not older: ISO (UTC), or 90s, 2h, 1d ago.'
    ),
    click.option('--until', type=When(), metavar='TIME', help='Older than that.'),
    click.option(
        '--label',
        'labels',
        type=Label(),
        metavar='KEY=VALUE',
        multiple=True,
        help='Whose task has this label; repeatable, all must match.',
    ),
    click.option(
        '--topic', 'topics', multiple=True, help='Of messages of this topic only; repeatable.'
    ),
    click.option(
        '--partition',
        'partitions',
        type=click.IntRange(0),
        multiple=True,
        help='Of messages of this partition only; repeatable.',
    ),
)
_NAMES = ('sinks', 'stages', 'error', 'since', 'until', 'labels', 'topics', 'partitions')


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that choose letters, as one parameter `filters`."""

    @functools.wraps(command)
    def run(**options: Any) -> Any:
        filters = Filters(**{name: options.pop(name) for name in _NAMES})
        return command(filters=filters, **options)

    for option in reversed(_OPTIONS):
        run = option(run)
    return run
