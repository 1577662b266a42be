"""Turns pipeline events into metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from prometheus_client import CollectorRegistry

from drakkar.contracts.observer import Observer
from drakkar.metrics.instruments import Instruments
from drakkar.models.actions import Action
from drakkar.models.delivery import DeadLetter, DeliveryFailure, Provenance, SinkRef
from drakkar.models.http import HttpRequest
from drakkar.models.message import SourceMessage, TopicPartition
from drakkar.models.payload import Payload
from drakkar.models.task import ExecutorError, ExecutorResult, ExecutorTask, FailureKind

_STATUS = {kind: kind.value for kind in FailureKind} | {FailureKind.EXIT: 'failed'}


class MetricsObserver(Observer):
    """Counts and times events in `registry`.

    `info` becomes the labels of `drakkar_worker_info`. No label here depends on
    a partition, so nothing has to be removed when one is revoked: what belongs
    to partitions is read at scrape time (see `SnapshotCollector`). Events must come
    in one thread, as they do from greenlets.
    """

    def __init__(self, registry: CollectorRegistry, info: Mapping[str, str] | None = None) -> None:
        m = Instruments(registry)
        m.worker.info(dict(info or {}))
        self._keep_source(m)
        self._keep_executor(m)
        self._keep_delivery(m)
        self._hook_seconds = m.hook_seconds.children
        self._hook_errors = m.hook_errors.children
        self._periodic_runs = m.periodic_runs.children
        self._periodic_seconds = m.periodic_seconds.children
        self._stalls = m.stalls.only
        self._stall_seconds = m.stall_seconds.only
        self._recorder_dropped = m.recorder_dropped.children
        self._recorder_retries = m.recorder_retries.only
        self._flush_seconds = m.flush_seconds.only
        self._http_requests = m.http_requests.children
        self._http_seconds = m.http_seconds.children
        self._http_dropped = m.http_dropped.children

    # Series are resolved once. Those whose labels are known exist from the start,
    # since a rate needs the zero before the first event.

    def _keep_source(self, m: Instruments) -> None:
        self._consumed = m.consumed.only
        self._consumer_errors = m.consumer_errors.only
        self._commits = m.commits.only
        self._parse_failures = m.parse_failures.only
        self._assigned = m.rebalances.children['assigned']
        self._revoked = m.rebalances.children['revoked']
        self._lost = m.rebalances.children['lost']

    def _keep_executor(self, m: Instruments) -> None:
        self._completed = m.tasks.children['completed']
        self._failed = {kind: m.tasks.children[status] for kind, status in _STATUS.items()}
        self._precomputed = m.precomputed.only
        self._timeouts = m.timeouts.only
        self._retries = m.retries.only
        self._run_seconds = m.run_seconds.only
        self._queue_seconds = m.queue_seconds.only
        self._spawn_seconds = m.spawn_seconds.only
        self._batch_seconds = m.batch_seconds.only

    def _keep_delivery(self, m: Instruments) -> None:
        self._deliver_seconds = m.deliver_seconds.children
        self._deliver_errors = m.deliver_errors.children
        self._delivered = m.delivered.children
        self._sink_retries = m.sink_retries.children
        self._sink_skipped = m.sink_skipped.children
        self._circuit_trips = m.circuit_trips.children
        self._dlq_messages = m.dlq_messages.only
        self._dlq_failures = m.dlq_failures.only
        self._dlq_dropped = m.dlq_dropped.only

    def watch_sinks(self, sinks: Iterable[SinkRef]) -> None:
        """Export the counters of these sink instances from the start, as zeros."""
        for sink in sinks:
            self._deliver_seconds[sink]
            self._deliver_errors[sink]
            self._delivered[sink]
            self._sink_retries[sink]
            self._sink_skipped[sink]
            self._circuit_trips[sink]

    # Source and partitions

    def consumed(self, messages: Sequence[SourceMessage]) -> None:
        self._consumed.value += len(messages)

    def source_error(self, error: BaseException) -> None:
        self._consumer_errors.value += 1

    def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        self._assigned.value += 1

    def revoked(self, partitions: Sequence[TopicPartition], lost: bool) -> None:
        (self._lost if lost else self._revoked).value += 1

    def committed(self, offsets: Mapping[TopicPartition, int]) -> None:
        self._commits.value += len(offsets)

    def parse_failed(self, message: SourceMessage, error: str) -> None:
        self._parse_failures.value += 1

    # Windows and tasks

    def task_started(
        self, task: ExecutorTask, slot: int, pid: int, queue_seconds: float, spawn_seconds: float
    ) -> None:
        self._queue_seconds.observe(queue_seconds)
        self._spawn_seconds.observe(spawn_seconds)

    def task_completed(self, result: ExecutorResult) -> None:
        if result.task.precomputed is not None:
            self._precomputed.value += 1
            return
        self._completed.value += 1
        self._run_seconds.observe(result.duration_seconds)

    def task_failed(self, error: ExecutorError, action: str) -> None:
        kind = error.kind
        if error.task.precomputed is not None and kind is FailureKind.EXIT:
            self._precomputed.value += 1
            return
        self._failed[kind].value += 1
        if kind is FailureKind.TIMEOUT:
            self._timeouts.value += 1
        if kind is not FailureKind.SPAWN and kind is not FailureKind.CANCELLED:
            self._run_seconds.observe(error.duration_seconds)

    def task_retried(self, task: ExecutorTask, attempt: int, delay: float) -> None:
        self._retries.value += 1

    def window_complete(
        self,
        partition: TopicPartition,
        messages: Sequence[SourceMessage],
        payloads: Sequence[Payload],
        duration: float,
    ) -> None:
        self._batch_seconds.observe(duration)

    # Delivery

    def sink_delivered(
        self,
        sink: SinkRef,
        payloads: Sequence[Payload],
        duration: float,
        provenances: Sequence[Provenance],
    ) -> None:
        self._deliver_seconds[sink].observe(duration)
        self._delivered[sink].value += len(payloads)

    def sink_error(self, failure: DeliveryFailure, action: Action, provenance: Provenance) -> None:
        self._deliver_errors[failure.sink].value += 1

    def sink_retried(self, sink: SinkRef, attempt: int) -> None:
        self._sink_retries[sink].value += 1

    def sink_skipped(self, sink: SinkRef, payloads: Sequence[Payload]) -> None:
        self._sink_skipped[sink].value += len(payloads)

    def circuit_opened(self, sink: SinkRef, error: str) -> None:
        self._circuit_trips[sink].value += 1

    def dlq_sent(self, letters: Sequence[DeadLetter]) -> None:
        self._dlq_messages.value += len(letters)

    def dlq_failed(self, letters: Sequence[DeadLetter], error: BaseException) -> None:
        self._dlq_failures.value += 1

    def dlq_dropped(self, letters: Sequence[DeadLetter]) -> None:
        self._dlq_dropped.value += len(letters)

    # Handler and worker

    def hook_ran(self, hook: str, duration: float) -> None:
        self._hook_seconds[hook].observe(duration)

    def hook_failed(self, hook: str, error: BaseException) -> None:
        self._hook_errors[hook].value += 1

    def periodic_run(self, name: str, duration: float, error: str) -> None:
        self._periodic_runs[name, 'error' if error else 'ok'].value += 1
        self._periodic_seconds[name].observe(duration)

    def runtime_stall(self, duration: float, where: str) -> None:
        self._stalls.value += 1
        self._stall_seconds.value += duration

    def recorder_flushed(self, events: int, duration: float) -> None:
        self._flush_seconds.observe(duration)

    def recorder_retried(self, error: str) -> None:
        self._recorder_retries.value += 1

    def recorder_dropped(self, events: int, reason: str) -> None:
        self._recorder_dropped[reason].value += events

    # The HTTP endpoint

    def watch_clients(self, names: Iterable[str]) -> None:
        """Export the counters of these clients from the start, as zeros."""
        for name in names:
            self._http_requests[name, 'ok']
            self._http_dropped[name]

    def http_answered(self, client_name: str, status: str, duration: float) -> None:
        self._http_requests[client_name, status].value += 1
        self._http_seconds[client_name, status].observe(duration)

    def http_dropped(self, request: HttpRequest, tasks: int) -> None:
        self._http_dropped[request.client_name].value += 1
