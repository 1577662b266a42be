"""What a pause costs: a backlog on Kafka that the source reads with and without pauses.

Both on a quick broker and on one whose answers come 100 ms late.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import drakkar.api as dk
from drakkar.worker.worker import Worker
from integration.bench.kafka import TOPIC, make_worker, producer_of
from integration.bench.pipeline import Count, EmptyHandler, measure
from integration.bench.slow_link import HOST, slow_link
from integration.servers import ports
from integration.servers.kafka import Kafka

PARTITIONS = 8
LATE_MS = (0, 100)
# Messages per executor at which the source pauses and resumes; the first never does.
MULTIPLIERS = {'never': (100_000, 1), 'default': (32, 4), 'all the time': (2, 1)}
# About a hundred are fetched at once, so that fetches and pauses meet.
_MESSAGE_BYTES = 20_000
_TASK_MS = 5


class SleepHandler(EmptyHandler):
    """A program of some milliseconds a message."""

    def arrange(
        self, messages: Sequence[dk.SourceMessage], pending: dk.PendingContext
    ) -> list[dk.ExecutorTask]:
        return [dk.ExecutorTask(args=[str(_TASK_MS)], source_offsets=[m.offset]) for m in messages]


class Pauses(Count):
    """Counts pauses, and measures what they cost between the first start of a task and the last.

    `worker` is to be given before it runs.
    """

    worker: Worker

    def __init__(self, expected: int) -> None:
        super().__init__(expected)
        self._expected = expected
        self.pauses = 0
        self.waits: list[float] = []
        self.marks: list[tuple[float, float]] = []
        self._started = 0
        self._resumed_at = 0.0

    def backpressure(self, active: bool, total_queued: int) -> None:
        self.pauses += active
        self._resumed_at = 0.0 if active else time.perf_counter()

    def consumed(self, messages: Sequence[dk.SourceMessage]) -> None:
        if self._resumed_at:
            self.waits.append(time.perf_counter() - self._resumed_at)
            self._resumed_at = 0.0

    def task_started(
        self, task: dk.ExecutorTask, slot: int, pid: int, queue_seconds: float, spawn_seconds: float
    ) -> None:
        self._started += 1
        if self._started in (1, self._expected):
            self.marks.append((time.perf_counter(), self.worker.snapshot().pool.idle_slot_seconds))

    def figures(self) -> dict[str, float]:
        """Return the figures, when all tasks have run."""
        (began, idle), (ended, idle_at_end) = self.marks
        return {
            'rate': self._expected / (ended - began),
            'pauses': self.pauses,
            'idle_slot_seconds': idle_at_end - idle,
            'resume_p50_ms': 1000 * statistics.median(self.waits or [0.0]),
            'resume_max_ms': 1000 * max(self.waits, default=0.0),
        }


def run(_kind: str, count: int, program: str, executors: int = 4) -> dict[str, Any]:
    """Run `count` tasks of 5 ms for a topic that is full already; return figures of each case."""
    return {'cases': [case for late in LATE_MS for case in _cases(late, count, program, executors)]}


def _cases(late_ms: int, count: int, program: str, executors: int) -> list[dict[str, Any]]:
    (port,) = ports.pick()
    # Clients are told the address of the link, so all they say goes through it.
    settings = {'advertised.listeners': f'PLAINTEXT://{HOST}:{port}'}
    with (
        Kafka(settings=settings) as server,
        slow_link(port, server.address, late_ms),
        tempfile.TemporaryDirectory(prefix='drakkar-bench-') as folder,
    ):
        for topic in (TOPIC, f'{TOPIC}-results'):
            server.create_topic(topic, PARTITIONS)
        with closing(producer_of(server)) as producer:
            filler = 'x' * _MESSAGE_BYTES
            for number in range(count):
                text = f'{{"n":{number},"filler":"{filler}"}}'
                producer.send(TOPIC, text.encode(), key=b'%d' % number)
            producer.flush()
        cases = []
        for name, (high, low) in MULTIPLIERS.items():
            pauses = Pauses(count)
            overrides = [
                f'kafka.consumer_group={name.replace(" ", "-")}',
                f'executor.backpressure_high_multiplier={high}',
                f'executor.backpressure_low_multiplier={low}',
            ]
            worker = make_worker(
                server, Path(folder), SleepHandler, program, executors, pauses, overrides
            )
            pauses.worker = worker
            measure(worker, pauses, count)
            cases.append({'late_ms': late_ms, 'pauses_when': name, **pauses.figures()})
        return cases


__all__ = ['run']
