"""What the demo counts while it runs, and how it tells in the end."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from drakkar.contracts.observer import Observer
from drakkar.models.delivery import DeadLetter, Provenance, SinkRef
from drakkar.models.message import SourceMessage
from drakkar.models.payload import Payload
from drakkar.models.task import ExecutorError, ExecutorResult, ExecutorTask


class DemoStats(Observer):
    """Counts the run; durations are those of the programs, in seconds."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.finished: float | None = None
        self.messages = 0
        self.tasks = 0
        self.from_cache = 0
        self.retries = 0
        self.failures = 0
        self.delivered = 0
        self.dead_letters = 0
        self.durations: list[float] = []

    def message_done(self, message: SourceMessage) -> None:
        self.messages += 1
        self.finished = time.monotonic()

    def task_completed(self, result: ExecutorResult) -> None:
        self.tasks += 1
        if result.pid is None:
            self.from_cache += 1
        else:
            self.durations.append(result.duration_seconds)

    def task_failed(self, error: ExecutorError, action: str) -> None:
        if action not in ('retry', 'cancelled'):
            self.failures += 1

    def task_retried(self, task: ExecutorTask, attempt: int, delay: float) -> None:
        self.retries += 1

    def sink_delivered(
        self,
        sink: SinkRef,
        payloads: Sequence[Payload],
        duration: float,
        provenances: Sequence[Provenance],
    ) -> None:
        self.delivered += len(payloads)

    def dlq_sent(self, letters: Sequence[DeadLetter]) -> None:
        self.dead_letters += len(letters)

    @property
    def seconds(self) -> float:
        return max(1e-9, (self.finished or time.monotonic()) - self.started)

    def summary(self, results: Path) -> dict[str, Any]:
        """Return all figures by name; rates are per second, percentiles in milliseconds."""
        durations = sorted(self.durations)
        return {
            'messages': self.messages,
            'tasks': self.tasks,
            'from_cache': self.from_cache,
            'from_cache_percent': round(100 * self.from_cache / max(1, self.tasks), 1),
            'retries': self.retries,
            'failures': self.failures,
            'payloads_delivered': self.delivered,
            'dead_letters': self.dead_letters,
            'seconds': round(self.seconds, 3),
            'messages_per_second': round(self.messages / self.seconds, 1),
            'tasks_per_second': round(self.tasks / self.seconds, 1),
            'task_p50_ms': _milliseconds(durations, 0.50),
            'task_p95_ms': _milliseconds(durations, 0.95),
            'task_p99_ms': _milliseconds(durations, 0.99),
            'results': str(results),
        }


def _milliseconds(ordered: list[float], quantile: float) -> float | None:
    """Return the nearest-rank quantile of an ordered list of seconds, or None for none."""
    if not ordered:
        return None
    return round(ordered[math.ceil(quantile * len(ordered)) - 1] * 1000, 2)
