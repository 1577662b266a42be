"""Turns pipeline events into metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram

from drakkar.contracts.observer import Observer
from drakkar.metrics.instruments import Instruments
from drakkar.models.actions import Action
from drakkar.models.delivery import DeadLetter, DeliveryFailure, SinkRef
from drakkar.models.message import SourceMessage, TopicPartition
from drakkar.models.payload import Payload
from drakkar.models.task import ExecutorError, ExecutorResult, ExecutorTask, FailureKind

M = TypeVar('M', Counter, Histogram)

_STATUS = {kind: kind.value for kind in FailureKind} | {FailureKind.EXIT: 'failed'}


class _Children(dict[Any, M], Generic[M]):
    """The children of a labelled metric, made at first use: then one dict lookup finds them."""

    def __init__(self, metric: M) -> None:
        super().__init__()
        self._metric: M = metric

    def __missing__(self, key: str | tuple[str, ...]) -> M:
        labels = (key,) if isinstance(key, str) else key
        child = self[key] = self._metric.labels(*labels)
        return child


class MetricsObserver(Observer):
    """Counts and times events in `registry`.

    `info` becomes the labels of `drakkar_worker_info`. No label here depends on
    a partition, so nothing has to be removed when one is revoked: what belongs
    to partitions is read at scrape time (see `SnapshotCollector`).
    """

    def __init__(self, registry: CollectorRegistry, info: Mapping[str, str] | None = None) -> None:
        self.instruments = m = Instruments(registry)
        m.worker.info(dict(info or {}))
        self._rebalances = _Children(m.rebalances)
        self._hook_seconds = _Children(m.hook_seconds)
        self._hook_errors = _Children(m.hook_errors)
        self._periodic_runs = _Children(m.periodic_runs)
        self._periodic_seconds = _Children(m.periodic_seconds)
        self._deliver_seconds = _Children(m.deliver_seconds)
        self._deliver_errors = _Children(m.deliver_errors)
        self._delivered = _Children(m.delivered)
        self._sink_retries = _Children(m.sink_retries)
        self._sink_skipped = _Children(m.sink_skipped)
        self._circuit_trips = _Children(m.circuit_trips)
        self._completed = m.tasks.labels('completed')
        self._failed = {kind: m.tasks.labels(status) for kind, status in _STATUS.items()}
        # A rate needs the zero before the first event.
        for kind in ('assigned', 'revoked', 'lost'):
            self._rebalances[kind].inc(0)

    def watch_sinks(self, sinks: Sequence[SinkRef]) -> None:
        """Export the counters of these sink instances from the start, as zeros."""
        for sink in sinks:
            for children in (
                self._deliver_seconds,
                self._deliver_errors,
                self._delivered,
                self._sink_retries,
                self._sink_skipped,
                self._circuit_trips,
            ):
                children[sink]

    # Source and partitions

    def consumed(self, messages: Sequence[SourceMessage]) -> None:
        self.instruments.consumed.inc(len(messages))

    def source_error(self, error: BaseException) -> None:
        self.instruments.consumer_errors.inc()

    def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        self._rebalances['assigned'].inc()

    def revoked(self, partitions: Sequence[TopicPartition], lost: bool) -> None:
        self._rebalances['lost' if lost else 'revoked'].inc()

    def committed(self, offsets: Mapping[TopicPartition, int]) -> None:
        self.instruments.commits.inc(len(offsets))

    def parse_failed(self, message: SourceMessage, error: str) -> None:
        self.instruments.parse_failures.inc()

    # Windows and tasks

    def task_started(
        self, task: ExecutorTask, slot: int, pid: int, queue_seconds: float, spawn_seconds: float
    ) -> None:
        self.instruments.queue_seconds.observe(queue_seconds)
        self.instruments.spawn_seconds.observe(spawn_seconds)

    def task_completed(self, result: ExecutorResult) -> None:
        if result.task.precomputed is not None:
            self.instruments.precomputed.inc()
            return
        self._completed.inc()
        self.instruments.run_seconds.observe(result.duration_seconds)

    def task_failed(self, error: ExecutorError, action: str) -> None:
        kind = error.kind
        if error.task.precomputed is not None and kind is FailureKind.EXIT:
            self.instruments.precomputed.inc()
            return
        self._failed[kind].inc()
        if kind is FailureKind.TIMEOUT:
            self.instruments.timeouts.inc()
        if kind is not FailureKind.SPAWN and kind is not FailureKind.CANCELLED:
            self.instruments.run_seconds.observe(error.duration_seconds)

    def task_retried(self, task: ExecutorTask, attempt: int, delay: float) -> None:
        self.instruments.retries.inc()

    def window_complete(
        self,
        partition: TopicPartition,
        messages: Sequence[SourceMessage],
        payloads: Sequence[Payload],
        duration: float,
    ) -> None:
        self.instruments.batch_seconds.observe(duration)

    # Delivery

    def sink_delivered(self, sink: SinkRef, payloads: Sequence[Payload], duration: float) -> None:
        self._deliver_seconds[sink].observe(duration)
        self._delivered[sink].inc(len(payloads))

    def sink_error(self, failure: DeliveryFailure, action: Action) -> None:
        self._deliver_errors[failure.sink].inc()

    def sink_retried(self, sink: SinkRef, attempt: int) -> None:
        self._sink_retries[sink].inc()

    def sink_skipped(self, sink: SinkRef, payloads: Sequence[Payload]) -> None:
        self._sink_skipped[sink].inc(len(payloads))

    def circuit_opened(self, sink: SinkRef, error: str) -> None:
        self._circuit_trips[sink].inc()

    def dlq_sent(self, letters: Sequence[DeadLetter]) -> None:
        self.instruments.dlq_messages.inc(len(letters))

    def dlq_failed(self, letters: Sequence[DeadLetter], error: BaseException) -> None:
        self.instruments.dlq_failures.inc()

    def dlq_dropped(self, letters: Sequence[DeadLetter]) -> None:
        self.instruments.dlq_dropped.inc(len(letters))

    # Handler and worker

    def hook_ran(self, hook: str, duration: float) -> None:
        self._hook_seconds[hook].observe(duration)

    def hook_failed(self, hook: str, error: BaseException) -> None:
        self._hook_errors[hook].inc()

    def periodic_run(self, name: str, duration: float, error: str) -> None:
        self._periodic_runs[name, 'error' if error else 'ok'].inc()
        self._periodic_seconds[name].observe(duration)

    def runtime_stall(self, duration: float, where: str) -> None:
        self.instruments.stalls.inc()
        self.instruments.stall_seconds.inc(duration)
