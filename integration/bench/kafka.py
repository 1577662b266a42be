"""Kafka in, and Kafka in → task → Kafka out, on a broker of its own; latency at a low rate."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import gevent
from kafka import KafkaConsumer, KafkaProducer

import drakkar.api as dk
from drakkar import log
from drakkar.cli.common import load_config
from drakkar.worker.build import build_worker, make_handler
from drakkar.worker.worker import Worker
from drakkar_sink_kafka import KafkaPayload
from integration.bench.pipeline import Count, EmptyHandler, measure
from integration.servers.kafka import Kafka

TOPIC = 'bench'
_PARTITIONS = 8
_CONFIG = """
[drakkar]
handler = {handler}
worker_name = bench
source = kafka

[kafka]
brokers = {brokers}
source_topic = bench
consumer_group = bench

[executor]
binary_path = {program}
max_executors = {executors}

[sinks.kafka.results]
topic = bench-results

[metrics]
host = 127.0.0.1
port = 0

[debug]
enabled = false

[logging]
level = warning
"""


class OutHandler(EmptyHandler):
    """One run of the program a message, its output to a topic."""

    def arrange(
        self, messages: Sequence[dk.SourceMessage], pending: dk.PendingContext
    ) -> list[dk.ExecutorTask]:
        return [
            dk.ExecutorTask(source_offsets=[m.offset], metadata={'n': m.payload['n']})
            for m in messages
        ]

    def on_task_complete(self, result: dk.ExecutorResult) -> list[dk.Payload]:
        return [KafkaPayload({'n': result.task.metadata['n'], 'out': result.stdout})]


class Arrivals(Count):
    """Notes when the payload of each message was acknowledged by the broker."""

    def __init__(self, expected: int) -> None:
        super().__init__(expected)
        self.at: dict[int, float] = {}

    def sink_delivered(
        self, sink: dk.SinkRef, payloads: Sequence[dk.Payload], duration: float, provenances: Any
    ) -> None:
        now = time.perf_counter()
        self.at.update((payload.data['n'], now) for payload in payloads)


def run(kind: str, count: int, program: str, executors: int = 4) -> dict[str, Any]:
    """Send `count` messages of a topic through a worker, or a bare consumer; return the figures.

    `kind` is `kafka-empty`, `kafka-tasks`, `bare-kafka` (a KafkaConsumer that reads the same
    topic and does nothing) or `kafka-latency` (`count` messages at 20 a second).
    """
    with Kafka() as server, tempfile.TemporaryDirectory(prefix='drakkar-bench-') as folder:
        for topic in (TOPIC, f'{TOPIC}-results'):
            server.create_topic(topic, _PARTITIONS)
        if kind == 'kafka-latency':
            return _latency(server, Path(folder), count, program, executors)
        with closing(producer_of(server)) as producer:
            for number in range(count):
                producer.send(TOPIC, b'{"n":%d}' % number, key=b'%d' % number)
            producer.flush()
        if kind == 'bare-kafka':
            return _bare(server, count)
        handler = EmptyHandler if kind == 'kafka-empty' else OutHandler
        counter = Count(count)
        worker = make_worker(server, Path(folder), handler, program, executors, counter)
        return measure(worker, counter, count)


def producer_of(server: Kafka) -> KafkaProducer:
    """Return a producer that sends at once."""
    return KafkaProducer(bootstrap_servers=server.address, linger_ms=0)


def make_worker(
    server: Kafka,
    folder: Path,
    handler: type[dk.Handler],
    program: str,
    executors: int,
    counter: Count,
    overrides: Sequence[str] = (),
) -> Worker:
    """Return a worker on `server`; `overrides` are options as `--set` takes them."""
    ini = folder / 'drakkar.ini'
    ini.write_text(
        _CONFIG.format(
            handler=f'{handler.__module__}:{handler.__name__}',
            brokers=server.address,
            program=program,
            executors=executors,
        )
    )
    loaded = load_config(ini, overrides)
    log.configure(loaded.config.logging)
    built, config = make_handler(loaded.handler, loaded.config)
    return build_worker(config, built, loaded.plugins.sources, [counter])


def _bare(server: Kafka, count: int) -> dict[str, Any]:
    before, started = time.process_time(), time.perf_counter()
    consumer = KafkaConsumer(
        TOPIC,
        bootstrap_servers=server.address,
        group_id='bare',
        auto_offset_reset='earliest',
        enable_auto_commit=False,
    )
    with closing(consumer):
        left = count
        while left > 0:
            polled = consumer.poll(timeout_ms=500, max_records=500)
            left -= sum(len(records) for records in polled.values())
    seconds, cpu = time.perf_counter() - started, time.process_time() - before
    return {'rate': count / seconds, 'cpu_us': cpu / count * 1e6, 'seconds': seconds}


def _latency(
    server: Kafka, folder: Path, count: int, program: str, executors: int
) -> dict[str, Any]:
    """Produce 20 messages a second; return how long each took to its acknowledged result."""
    warm = 20  # the first ones pay for connections and metadata
    arrivals = Arrivals(count + warm)
    worker = make_worker(server, folder, OutHandler, program, executors, arrivals)
    running = gevent.spawn(worker.run)
    sent: dict[int, float] = {}
    with closing(producer_of(server)) as producer:
        while worker.state == 'starting':
            gevent.sleep(0.05)
        for number in range(count + warm):
            sent[number] = time.perf_counter()
            producer.send(TOPIC, b'{"n":%d}' % number, key=b'%d' % number)
            gevent.sleep(1 / 20)
        arrivals.done.wait(30)
    worker.stop()
    running.get()
    waits = sorted(arrivals.at[n] - sent[n] for n in range(warm, count + warm))

    def milliseconds(quantile: float) -> float:
        return waits[math.ceil(quantile * len(waits)) - 1] * 1000

    return {'p50_ms': milliseconds(0.5), 'p99_ms': milliseconds(0.99), 'max_ms': waits[-1] * 1000}


__all__ = ['run']
