"""What a replay has done, and what it left."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import click

from drakkar.cli.dlq.letters import Foreign
from drakkar.cli.dlq.text import one_line

_SHOWN_PROBLEMS = 10
_MAX_PROBLEM = 300


@dataclass(slots=True)
class Tally:
    """Counts of one run. `left` are chosen messages that could or may not be replayed."""

    targets: Counter[str] = field(default_factory=Counter)
    replayed_before: int = 0
    same_message: int = 0
    no_message: int = 0
    other_topics: Counter[str] = field(default_factory=Counter)
    left: dict[object, str] = field(default_factory=dict)
    foreign: Foreign = field(default_factory=Foreign)
    quiet: bool = False

    @classmethod
    def silent(cls) -> Tally:
        """Return one that prints nothing."""
        return cls(foreign=Foreign(quiet=True), quiet=True)

    @property
    def replayed(self) -> int:
        return self.targets.total()

    def leave(self, place: object, where: str, problem: str) -> None:
        """Note that a message was not replayed, and say why; once each, the first few."""
        if place in self.left:
            return
        self.left[place] = problem
        if self.quiet:
            return
        if len(self.left) <= _SHOWN_PROBLEMS:
            click.echo(f'not replayed: {where}: {one_line(problem, _MAX_PROBLEM)}', err=True)
        elif len(self.left) == _SHOWN_PROBLEMS + 1:
            click.echo('not replayed: further messages are only counted', err=True)

    def as_dict(self) -> dict[str, Any]:
        """Return all counts in a form JSON can write."""
        return {
            'replayed': self.replayed,
            'topics': dict(sorted(self.targets.items())),
            'replayed_before': self.replayed_before,
            'same_message': self.same_message,
            'no_message': self.no_message,
            'other_topics': dict(sorted(self.other_topics.items())),
            'not_replayed': len(self.left),
            'foreign': self.foreign.count,
        }

    def words(self) -> list[str]:
        """Return what happened beside replaying, in words."""
        parts = []
        if self.left:
            parts.append(f'{len(self.left):,} not replayed')
        if self.replayed_before:
            parts.append(f'{_letters(self.replayed_before)} replayed before')
        if self.same_message:
            parts.append(f'{_letters(self.same_message)} of the same messages')
        if self.no_message:
            parts.append(f'{_letters(self.no_message)} without a source message')
        for topic, count in sorted(self.other_topics.items()):
            parts.append(
                f'{_letters(count)} of topic {one_line(topic)}, which the source does not read'
                ' (--to)'
            )
        if self.foreign.count:
            parts.append(f'{self.foreign.count:,} torn or foreign, skipped')
        return parts


def _letters(count: int) -> str:
    return f'{count:,} letter{"" if count == 1 else "s"}'
