"""Reads dead letters of the configured queue, and reports what is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import click

from drakkar.cli.common import Loaded
from drakkar.contracts.source import DeadLetterReader, StoredLetter, StreamEnd
from drakkar.delivery.jsonlines_reader import JsonLinesReader
from drakkar.envelope import Envelope, parse
from drakkar.errors import ConfigError

_SHOWN_PROBLEMS = 10


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter with the place where it is stored."""

    stored: StoredLetter
    envelope: Envelope

    @property
    def id(self) -> str:
        return self.stored.id


@dataclass(slots=True)
class Foreign:
    """Counts what lies in the queue and is no letter; tells of the first few on stderr."""

    quiet: bool = False
    count: int = 0

    def add(self, stored: StoredLetter, problem: str) -> None:
        self.count += 1
        if self.quiet:
            return
        if self.count <= _SHOWN_PROBLEMS:
            click.echo(f'skipped: {stored.id}: {problem}', err=True)
        elif self.count == _SHOWN_PROBLEMS + 1:
            click.echo('skipped: further lines that are no letters are only counted', err=True)


def reader_for(loaded: Loaded) -> DeadLetterReader:
    """Return what reads the dead letters that workers of this configuration write.

    Raises ConfigError where the source has a queue of its own that can not be read.
    """
    config = loaded.config
    spec = loaded.plugins.sources[config.drakkar.source]
    if spec.build_dead_letter_reader is not None:
        return spec.build_dead_letter_reader(config, config.worker_id)
    if spec.build_dead_letters is not None:
        raise ConfigError(f'source {spec.name}: its dead letters can be written, but not read')
    return JsonLinesReader(config.dlq.path)


def read_letters(
    reader: DeadLetterReader, ends: Mapping[str, StreamEnd], foreign: Foreign
) -> Iterator[Letter]:
    """Yield the letters before `ends`; what is none goes to `foreign`. Raises SourceError."""
    for stored in reader.read(ends):
        if stored.data is None or not stored.data.strip():
            continue  # nothing is there, which is no problem either
        try:
            yield Letter(stored, parse(stored.data))
        except ValueError as error:
            foreign.add(stored, problem_of(error))


def problem_of(error: ValueError) -> str:
    """Return on one line why something is no letter."""
    text = ' '.join(str(error).split())
    return (
        text if text.startswith(('not a dead letter', 'envelope')) else f'torn or foreign: {text}'
    )
