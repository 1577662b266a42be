"""The product under measurement: a whole worker on the embedded log."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gevent

import drakkar.api as dk
from drakkar import jsonio, log
from drakkar.cli.common import freeze_startup, load_config
from drakkar.contracts.source import ProducerRecord
from drakkar.worker.build import build_worker, make_handler
from drakkar.worker.worker import Worker
from drakkar_sink_filesystem import FilePayload

_CONFIG = """
[drakkar]
handler = {handler}
worker_name = bench
source = log

[log]
path = {folder}/log
partitions = 8

[executor]
binary_path = {program}
max_executors = {executors}

[sinks.filesystem.results]
base_path = {folder}/results

[dlq]
path = {folder}/dlq

[metrics]
host = 127.0.0.1
port = 0

[debug]
{debug}

[logging]
level = warning
"""


class EmptyHandler(dk.Handler):
    """Every message is complete at once."""

    def arrange(
        self, messages: Sequence[dk.SourceMessage], pending: dk.PendingContext
    ) -> list[dk.ExecutorTask]:
        return []


class TaskHandler(dk.Handler):
    """One run of the program a message, its output to a file."""

    def arrange(
        self, messages: Sequence[dk.SourceMessage], pending: dk.PendingContext
    ) -> list[dk.ExecutorTask]:
        return [dk.ExecutorTask(source_offsets=[m.offset]) for m in messages]

    def on_task_complete(self, result: dk.ExecutorResult) -> list[dk.Payload]:
        return [FilePayload('results.jsonl', {'task': result.task.task_id, 'out': result.stdout})]


class Count(dk.Observer):
    """Knows when all messages are done."""

    def __init__(self, expected: int) -> None:
        self.left = expected
        self.done = gevent.event.Event()

    def message_done(self, message: dk.SourceMessage) -> None:
        self.left -= 1
        if not self.left:
            self.done.set()


def run(
    kind: str, count: int, program: str = '', executors: int = 4, debug: str = 'enabled = false'
) -> dict[str, Any]:
    """Send `count` messages through a worker; return rates, CPU and memory.

    `kind` is `empty` or `tasks`; `debug` are the lines of that section. The messages
    are in the log before the clock starts; it stops when the last offset is complete.
    CPU is the worker's own, without its children; the peak is that of this process
    since its start.
    """
    with tempfile.TemporaryDirectory(prefix='drakkar-bench-') as folder:
        worker, counter = prepare(Path(folder), kind, count, program, executors, debug)
        return measure(worker, counter, count)


def measure(worker: Worker, counter: Count, count: int) -> dict[str, Any]:
    """Run a worker until `counter` has seen all messages; return the figures of `run`."""
    freeze_startup()
    running = gevent.spawn(worker.run)
    before, started = _cpu_seconds(), time.perf_counter()
    finished = gevent.event.Event()
    running.link(lambda _: finished.set())
    gevent.wait([counter.done, finished], count=1)
    seconds, cpu = time.perf_counter() - started, _cpu_seconds() - before
    worker.stop()
    running.get()
    return {
        'rate': count / seconds,
        'cpu_us': cpu / count * 1e6,
        'peak_rss_mib': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        'seconds': seconds,
    }


def prepare(
    folder: Path, kind: str, count: int, program: str, executors: int, debug: str
) -> tuple[Worker, Count]:
    handler = {'empty': 'EmptyHandler', 'tasks': 'TaskHandler'}[kind]
    ini = folder / 'drakkar.ini'
    ini.write_text(
        _CONFIG.format(
            handler=f'{__name__}:{handler}',
            folder=folder,
            program=program,
            executors=executors,
            debug=debug,
        )
    )
    loaded = load_config(ini)
    log.configure(loaded.config.logging)
    built, config = make_handler(loaded.handler, loaded.config)
    build_producer = loaded.plugins.sources['log'].build_producer
    assert build_producer is not None
    with build_producer(config, 'bench') as producer:
        for start in range(0, count, 5000):
            size = min(5000, count - start)
            producer.append_many(
                ProducerRecord(jsonio.dumps_bytes({'n': start + i}), b'%d' % (start + i))
                for i in range(size)
            )
    counter = Count(count)
    return build_worker(config, built, loaded.plugins.sources, [counter]), counter


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
