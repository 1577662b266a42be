"""Sends search requests to Kafka in the phases of phases.py.

    python -m integration.infra.producer

Environment: BROKERS (localhost:9092), TOTAL_MESSAGES (10000), SPEED (1; 10: all times a tenth),
SLOW_PERCENT (3), SLOW_REPEAT (150-250) and USUAL_REPEAT (1-8), how often searches are repeated,
SEED (1).
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kafka import KafkaProducer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

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
            int(_number('TOTAL_MESSAGES', TOTAL)),
            _number('SPEED', 1),
            _number('SLOW_PERCENT', SLOW_PERCENT),
            _range('SLOW_REPEAT', SLOW_REPEAT),
            _range('USUAL_REPEAT', USUAL_REPEAT),
            int(_number('SEED', 1)),
        )


def _number(name: str, default: float) -> float:
    text = os.environ.get(name) or str(default)
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f'{name}={text}: not a number') from None
    if number < 0 or (number == 0 and name == 'SPEED'):
        raise ValueError(f'{name}={text}: too small')
    return number


def _range(name: str, default: tuple[int, int]) -> range:
    text = os.environ.get(name) or '{}-{}'.format(*default)
    low, _, high = text.partition('-')
    if not (low.isdecimal() and (high or low).isdecimal() and 1 <= int(low) <= int(high or low)):
        raise ValueError(f'{name}={text}: not LOW-HIGH')
    return range(int(low), int(high or low) + 1)


class Sender:
    """Sends requests in phases, and shows how far it is: a bar, or lines where there is no
    terminal."""

    def __init__(self, settings: Settings, producer: Any, progress: Progress) -> None:
        self.sent = 0
        self._requests: Iterator[Any] = search_requests(
            settings.seed, settings.slow_percent, settings.slow, settings.usual
        )
        self._producer = producer
        self._progress = progress
        self._bar = progress.add_task('', total=settings.total)

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
        self._producer.send(REQUESTS, json.dumps(request).encode(), key=key)
        self.sent += 1
        self._progress.advance(self._bar)


def main() -> int:
    try:
        settings = Settings.read()
    except ValueError as error:
        print(f'producer: {error}', file=sys.stderr)
        return 2
    columns = (
        TextColumn('{task.description:12}'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    console = Console()
    producer = KafkaProducer(
        bootstrap_servers=settings.brokers.split(','), acks='all', delivery_timeout_ms=120_000
    )
    # Without a terminal only the lines that announce phases are written.
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        sender = Sender(settings, producer, progress)
        for phase in plan(settings.total, settings.speed):
            sender.phase(phase)
    producer.close()
    console.print(f'all {sender.sent} messages sent', highlight=False)
    return 0


if __name__ == '__main__':
    sys.exit(main())
