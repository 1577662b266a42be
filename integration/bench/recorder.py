"""What the flight recorder costs: the same work with it and without, and a long stretch of it."""

from __future__ import annotations

import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import gevent
from gevent.hub import get_hub

from drakkar.cli.common import freeze_startup
from drakkar.models.delivery import SinkRef
from drakkar.models.message import SourceMessage, TopicPartition
from drakkar.models.snapshot import WorkerSnapshot
from drakkar.models.task import ExecutorResult, ExecutorTask
from drakkar.recorder import Recorder, RecorderSettings
from integration.bench import pipeline

_STEADY_EVENTS = 5000  # a second
_TICKS = 200  # a second: so often the steady measurement notes some of them


class Gaps:
    """The longest time within which the hub did not turn."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._last = 0.0
        self._timer = get_hub().loop.timer(0.001, 0.001)

    def __enter__(self) -> Gaps:
        self._last = time.perf_counter()
        self._timer.start(self._beat)
        return self

    def _beat(self) -> None:
        now = time.perf_counter()
        self.longest = max(self.longest, now - self._last)
        self._last = now

    def __exit__(self, *exc_info: object) -> None:
        self._timer.stop()
        self._timer.close()


def run(name: str, count: int, program: str, executors: int) -> dict[str, Any]:
    """Return the figures of one side, `recorder-on-KIND` or `recorder-off-KIND`.

    KIND is that of the pipeline's measurement. `recorder-steady` takes `count` seconds.
    """
    if name == 'recorder-steady':
        return _steady(count)
    _, side, kind = name.split('-')
    with tempfile.TemporaryDirectory(prefix='drakkar-bench-') as folder, Gaps() as gaps:
        debug = f'db_dir = {folder}' if side == 'on' else 'enabled = false'
        figures = pipeline.run(kind, count, program, executors, debug)
        return {**figures, 'gap_ms': gaps.longest * 1000}


def _steady(seconds: int) -> dict[str, Any]:
    """Note events at an even rate for so long; return what that did to hub, memory and disk."""
    with tempfile.TemporaryDirectory(prefix='drakkar-bench-') as folder:
        # Small enough that files are full, and deleted, within a minute.
        settings = RecorderSettings(db_dir=Path(folder), retention_events=200_000)
        recorder = Recorder(
            settings,
            {'worker_id': 'bench', 'source': 'log'},
            lambda: WorkerSnapshot('bench', '', 0),
        )
        recorder.start()
        recorder.flush()
        freeze_startup()
        with Gaps() as idle:  # what other processes of the machine cause
            gevent.sleep(min(10, seconds))
        sizes: list[float] = []
        memory: list[float] = []
        with Gaps() as gaps:
            started = time.perf_counter()
            cpu = time.process_time()
            noted = 0
            while (passed := time.perf_counter() - started) < seconds:
                due = int(passed * _STEADY_EVENTS)
                while noted < due:
                    noted += _note(recorder, noted)
                if noted // _STEADY_EVENTS > len(sizes):
                    sizes.append(_disk_mib(folder))
                    memory.append(rss_mib())
                gevent.sleep(1 / _TICKS)
            cpu = time.process_time() - cpu
        state = recorder.state
        recorder.stop()
        half = len(memory) // 2
        return {
            'seconds': seconds,
            'events_per_second': noted / seconds,
            'written': state.written,
            'dropped': state.dropped,
            'gap_ms': gaps.longest * 1000,
            'idle_gap_ms': idle.longest * 1000,
            'cpu_us_each': cpu / noted * 1e6,
            'rss_half_mib': max(memory[:half], default=0.0),
            'rss_end_mib': max(memory[half:], default=0.0),
            'disk_most_mib': max(sizes, default=0.0),
            'peakrss_mib': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def _note(recorder: Recorder, number: int) -> int:
    """Note what one task of one message causes; return how many events that is."""
    hear = recorder.observer
    message = SourceMessage('requests', number % 8, number, b'x' * 200)
    task = ExecutorTask(
        ['pattern', '/srv/files/some/where'],
        [number],
        labels={'request_id': f'r-{number}'},
        origin='log',
        topic='requests',
        partition=number % 8,
    )
    result = ExecutorResult(task, stdout='line\n' * 50, duration_seconds=0.6, pid=1234, slot=1)
    place = TopicPartition('requests', number % 8)
    hear.consumed([message])
    hear.task_started(task, 1, 1234, 0.001, 0.0002)
    hear.task_completed(result)
    hear.task_complete(result, [], 0.0001)
    hear.committed({place: number + 1})
    hear.circuit_closed(SinkRef('file', 'results'))
    return 6


def _disk_mib(folder: str) -> float:
    return sum(entry.stat().st_size for entry in os.scandir(folder)) / 2**20


def rss_mib() -> float:
    with open('/proc/self/statm') as statm:
        return int(statm.read().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 2**20
