"""Gauges read from the worker's state at scrape time.

Nothing is kept between scrapes, so the series of a revoked partition are gone
with the partition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from drakkar.metrics.cache import cache_families
from drakkar.metrics.webapp import webapp_families
from drakkar.models.snapshot import PartitionSnapshot, PoolSnapshot, SinkSnapshot, WorkerSnapshot

PARTITION = ('topic', 'partition')
SINK = ('sink_type', 'sink_name')


class SnapshotCollector(Collector):
    """Exports `snapshot()` and, where given, `hub_lag()` (seconds) at each scrape.

    Register it with the worker's registry. Both callables must not wait.
    """

    def __init__(
        self,
        snapshot: Callable[[], WorkerSnapshot],
        hub_lag: Callable[[], float] | None = None,
    ) -> None:
        self._snapshot = snapshot
        self._hub_lag = hub_lag

    def describe(self) -> list[Metric]:
        """Return the families without samples: registering must not need a worker."""
        nothing = WorkerSnapshot('', '', 0.0)
        families = list(_families(nothing, 0.0))
        for family in families:
            family.samples = []
        return families

    def collect(self) -> Iterator[Metric]:
        yield from _families(self._snapshot(), self._hub_lag() if self._hub_lag else 0.0)


def _families(state: WorkerSnapshot, hub_lag: float) -> Iterator[Metric]:
    yield from _partitions(state.partitions)
    yield _gauge('assigned_partitions', 'Partitions that are assigned now.', len(state.partitions))
    yield _gauge('total_queued', 'Messages queued or in flight.', state.total_queued)
    yield _gauge('backpressure_active', '1 while the source is paused.', int(state.paused))
    yield _counter(
        'consumer_idle_seconds', 'Time without a message to work on.', state.consumer_idle_seconds
    )
    yield from _pool(state.pool)
    yield from _sinks(state.sinks)
    yield _gauge(
        'recorder_buffer',
        'Events that the flight recorder has not written yet.',
        state.recorder.buffered if state.recorder else 0,
    )
    yield from cache_families(state.cache)
    yield from webapp_families(state.webapp)
    yield _gauge(
        'hub_lag_seconds', 'Largest delay of the event loop within the last half minute.', hub_lag
    )


def _partitions(partitions: list[PartitionSnapshot]) -> Iterator[Metric]:
    queue = _gauge('partition_queue_size', 'Messages that wait for a window.', labels=PARTITION)
    lag = _gauge(
        'offset_lag', 'Messages produced but not committed, where it is known.', labels=PARTITION
    )
    stalled = _gauge(
        'stalled_offsets',
        'Messages that can be neither delivered nor dead-lettered at the moment.',
        labels=PARTITION,
    )
    total = 0
    for state in partitions:
        labels = (state.partition.topic, str(state.partition.partition))
        queue.add_metric(labels, state.queued)
        stalled.add_metric(labels, state.stalled)
        behind = state.lag
        if behind is not None:
            lag.add_metric(labels, behind)
            total += behind
    yield queue
    yield lag
    yield stalled
    yield _gauge('consumer_lag', 'Sum of the offset lags of the assigned partitions.', total)


def _pool(pool: PoolSnapshot) -> Iterator[Metric]:
    yield _gauge('executor_pool_active', 'Executor slots in use.', pool.active)
    yield _gauge('executor_pool_max', 'Executor slots.', pool.max_executors)
    yield _gauge('executor_pool_waiting', 'Runs that wait for a slot.', pool.waiting)
    yield _counter(
        'executor_idle_slot_seconds',
        'Time that slots had nothing to run, summed over slots.',
        pool.idle_slot_seconds,
    )


def _sinks(sinks: list[SinkSnapshot]) -> Iterator[Metric]:
    circuit = _gauge(
        'sink_circuit_open', 'Circuit breaker: 0 closed, 0.5 half open, 1 open.', labels=SINK
    )
    queue = _gauge('sink_queue_size', 'Payloads that wait for delivery.', labels=SINK)
    for state in sinks:
        circuit.add_metric(state.sink, state.breaker)
        queue.add_metric(state.sink, state.queued)
    yield circuit
    yield queue


def _gauge(
    name: str, meaning: str, value: float | None = None, labels: tuple[str, ...] | None = None
) -> GaugeMetricFamily:
    return GaugeMetricFamily(f'drakkar_{name}', meaning, value, labels)


def _counter(name: str, meaning: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(f'drakkar_{name}', meaning, value)
