"""Sends search requests to Kafka in the phases of phases.py.

    python -m integration.infra.producer

Environment: BROKERS (localhost:9092), TOTAL_MESSAGES (10000), SPEED (1; 10: all times a tenth),
SLOW_PERCENT (3), SLOW_REPEAT (150-250) and USUAL_REPEAT (1-8), how often searches are repeated,
SEED (1).

Exit codes: 0 when the broker has acknowledged all messages, 1 when it has not, 2 for a wrong
variable.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from integration.infra import settings
from integration.infra.phases import TOTAL, Phase, plan
from integration.infra.requests import SLOW_REPEAT, USUAL_REPEAT, search_requests
from integration.infra.topics import REQUESTS

VARIABLES = (
    'BROKERS',
    'TOTAL_MESSAGES',
    'SPEED',
    'SLOW_PERCENT',
    'SLOW_REPEAT',
    'USUAL_REPEAT',
    'SEED',
)

# How long to look for a broker at the start.
BOOTSTRAP_MS = 15_000
# Share of the slow outliers, in percent.
SLOW_PERCENT = 3.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says."""

    brokers: str
    total: int
    speed: float
    slow_percent: float
    slow: range
    usual: range
    seed: int

    @classmethod
    def read(cls) -> Settings:
        """Raises ValueError with the name of the variable that is wrong."""
        return cls(
            os.environ.get('BROKERS') or 'localhost:9092',
            settings.whole('TOTAL_MESSAGES', TOTAL),
            settings.number('SPEED', 1, least=0.001),
            settings.number('SLOW_PERCENT', SLOW_PERCENT, most=100),
            settings.bounds('SLOW_REPEAT', SLOW_REPEAT),
            settings.bounds('USUAL_REPEAT', USUAL_REPEAT),
            settings.whole('SEED', 1),
        )


class Sender:
    """Sends requests in phases, and shows how far it is: a bar, or lines where there is no
    terminal."""

    def __init__(self, wanted: Settings, producer: Any, progress: Progress) -> None:
        self.sent = 0
        self.acknowledged = 0
        self.error: Exception | None = None
        self._requests: Iterator[Any] = search_requests(
            wanted.seed, wanted.slow_percent, wanted.slow, wanted.usual
        )
        self._producer = producer
        self._progress = progress
        self._bar = progress.add_task('', total=wanted.total)

    def phase(self, phase: Phase) -> None:
        """Send the messages of a phase at its rate, or be silent."""
        rate = f'{phase.rate:g}/s' if phase.rate else 'max speed'
        what = f'{phase.pause:g} s silence' if phase.pause else f'{phase.messages} at {rate}'
        self._progress.update(self._bar, description=phase.name)
        self._progress.console.print(f'{phase.name}: {what} (sent {self.sent})', highlight=False)
        time.sleep(phase.pause)
        begin = time.monotonic()
        for number in range(phase.messages or 0):
            if phase.rate:
                time.sleep(max(0, begin + number / phase.rate - time.monotonic()))
            self._send()
        self._producer.flush(timeout=120)

    def _send(self) -> None:
        request = next(self._requests)
        key = request['request_id'].encode()
        future = self._producer.send(REQUESTS, json.dumps(request).encode(), key=key)
        future.add_callback(self._stored)
        future.add_errback(self._refused)
        self.sent += 1
        self._progress.advance(self._bar)

    # Both are called in the one thread of the producer that sends.
    def _stored(self, _: Any) -> None:
        self.acknowledged += 1

    def _refused(self, error: Exception) -> None:
        self.error = error


def send(wanted: Settings, console: Console) -> Sender:
    """Send everything; return what became of it. Raises KafkaError."""
    columns = (
        TextColumn('{task.description:12}'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    producer = KafkaProducer(
        bootstrap_servers=wanted.brokers.split(','),
        bootstrap_timeout_ms=BOOTSTRAP_MS,
        acks='all',
        delivery_timeout_ms=120_000,
    )
    # Without a terminal only the lines that announce phases are written.
    with (
        closing(producer),
        Progress(*columns, console=console, disable=not console.is_terminal) as progress,
    ):
        sender = Sender(wanted, producer, progress)
        for phase in plan(wanted.total, wanted.speed):
            sender.phase(phase)
    return sender


def main() -> int:
    settings.only_help(__doc__)
    try:
        wanted = Settings.read()
    except ValueError as error:
        print(f'producer: {error}', file=sys.stderr)
        return 2
    console = Console()
    try:
        sender = send(wanted, console)
    except KafkaError as error:
        print(f'producer: BROKERS={wanted.brokers}: {error}', file=sys.stderr)
        return 1
    if sender.acknowledged < sender.sent:
        missing = sender.sent - sender.acknowledged
        print(f'producer: {missing} messages were not stored: {sender.error}', file=sys.stderr)
        return 1
    console.print(f'all {sender.sent} messages sent', highlight=False)
    return 0


if __name__ == '__main__':
    sys.exit(main())
