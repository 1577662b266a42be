"""Every metric that grows with events, declared once: name, meaning, labels, buckets."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Info

from drakkar.metrics.values import CounterFamily, HistogramFamily

# Seconds. Programs run for milliseconds to minutes; hooks and spawns are much quicker.
RUN_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
WAIT_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300)
QUICK_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 10)
DELIVER_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30)

SINK = ('sink_type', 'sink_name')


class Instruments:
    """The event-driven metrics of one worker, registered with its registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self.worker = Info('drakkar_worker', 'Identity of the worker.', registry=registry)
        self._declare_source()
        self._declare_executor()
        self._declare_handler()
        self._declare_sinks()
        self._declare_dead_letters()
        self._declare_hub()
        self._declare_recorder()
        self._declare_webapp()

    def _counter(self, name: str, meaning: str, labels: tuple[str, ...] = ()) -> CounterFamily:
        return CounterFamily(f'drakkar_{name}', meaning, labels, self._registry)

    def _histogram(
        self, name: str, meaning: str, buckets: tuple[float, ...], labels: tuple[str, ...] = ()
    ) -> HistogramFamily:
        return HistogramFamily(f'drakkar_{name}', meaning, labels, self._registry, buckets)

    def _declare_source(self) -> None:
        self.consumed = self._counter(
            'messages_consumed_total', 'Messages that were polled and queued to their partitions.'
        )
        self.consumer_errors = self._counter(
            'consumer_errors_total', 'Polls and commits that failed and were tried again.'
        )
        self.commits = self._counter(
            'offsets_committed_total', 'Offsets stored, one for each partition of a commit.'
        )
        self.rebalances = self._counter(
            'rebalance_events_total', 'Rebalances by type: assigned, revoked or lost.', ('type',)
        )
        self.parse_failures = self._counter(
            'parse_failures_total', 'Messages that did not decode, whatever became of them.'
        )

    def _declare_executor(self) -> None:
        self.tasks = self._counter(
            'executor_tasks_total',
            'Runs that ended, by status: completed, failed (non-zero exit), timeout, spawn (did '
            'not start), killed (by a signal) or cancelled. Precomputed tasks are not among them.',
            ('status',),
        )
        self.precomputed = self._counter(
            'executor_precomputed_total', 'Tasks that needed no run because they were precomputed.'
        )
        self.timeouts = self._counter(
            'executor_timeouts_total', 'Runs that were killed because they took too long.'
        )
        self.retries = self._counter(
            'executor_retries_total', 'Runs that were queued again after a failure.'
        )
        self.run_seconds = self._histogram(
            'executor_duration_seconds',
            'Time a program ran, whatever its end; not precomputed or cancelled tasks.',
            RUN_BUCKETS,
        )
        self.queue_seconds = self._histogram(
            'executor_queue_wait_seconds', 'Time a run waited for a slot.', WAIT_BUCKETS
        )
        self.spawn_seconds = self._histogram(
            'executor_spawn_seconds', 'Time it took to start a program.', QUICK_BUCKETS
        )
        self.batch_seconds = self._histogram(
            'batch_duration_seconds',
            'Time from the first message of a window until all its tasks were terminal.',
            RUN_BUCKETS,
        )

    def _declare_handler(self) -> None:
        self.hook_seconds = self._histogram(
            'handler_duration_seconds', 'Time a handler hook took.', QUICK_BUCKETS, ('hook',)
        )
        self.hook_errors = self._counter(
            'handler_hook_errors_total', 'Handler hooks that raised.', ('hook',)
        )
        self.periodic_runs = self._counter(
            'periodic_runs_total',
            'Runs of periodic methods, status ok or error.',
            ('name', 'status'),
        )
        self.periodic_seconds = self._histogram(
            'periodic_duration_seconds', 'Time a periodic method took.', RUN_BUCKETS, ('name',)
        )

    def _declare_sinks(self) -> None:
        self.deliver_seconds = self._histogram(
            'sink_deliver_duration_seconds',
            'Time until a batch was safe in its sink.',
            DELIVER_BUCKETS,
            SINK,
        )
        self.deliver_errors = self._counter(
            'sink_deliver_errors_total', 'Deliveries that failed and were decided on.', SINK
        )
        self.delivered = self._counter(
            'sink_payloads_delivered_total', 'Payloads that are safe in their sink.', SINK
        )
        self.sink_retries = self._counter(
            'sink_retries_total', 'Deliveries that were tried again.', SINK
        )
        self.sink_skipped = self._counter(
            'sink_payloads_skipped_total', 'Payloads given up on purpose (SKIP).', SINK
        )
        self.circuit_trips = self._counter(
            'sink_circuit_trips_total', 'Times the circuit breaker of a sink opened.', SINK
        )

    def _declare_dead_letters(self) -> None:
        self.dlq_messages = self._counter(
            'dlq_messages_total', 'Messages that are safe in the dead letter queue.'
        )
        self.dlq_failures = self._counter(
            'dlq_send_failures_total', 'Attempts to write the dead letter queue that failed.'
        )
        self.dlq_dropped = self._counter(
            'dlq_dropped_total', 'Messages lost because dlq.on_send_failure = drop.'
        )

    def _declare_hub(self) -> None:
        self.stalls = self._counter(
            'hub_stalls_total', 'Times that code blocked the hub beyond the threshold.'
        )
        self.stall_seconds = self._counter(
            'hub_stall_seconds_total', 'Time that the hub was blocked in these stalls.'
        )

    def _declare_recorder(self) -> None:
        self.recorder_dropped = self._counter(
            'recorder_dropped_total',
            'Events that the flight recorder lost, by reason: buffer_full (they could not be '
            'written in time), unwritable or closing (the worker ended before they could be).',
            ('reason',),
        )
        self.recorder_retries = self._counter(
            'recorder_flush_retries_total', 'Writes of the flight recorder that failed.'
        )
        self.flush_seconds = self._histogram(
            'recorder_flush_duration_seconds',
            'Time it took to write the events of one flush.',
            RUN_BUCKETS,
        )

    def _declare_webapp(self) -> None:
        self.http_requests = self._counter(
            'webapp_requests_total',
            'HTTP requests by client (empty where it is not known) and how they ended.',
            ('client', 'status'),
        )
        self.http_seconds = self._histogram(
            'webapp_request_duration_seconds',
            'Time from the head of an HTTP request to its answer.',
            RUN_BUCKETS,
            ('client', 'status'),
        )
        self.http_dropped = self._counter(
            'webapp_dropped_after_timeout_total',
            'HTTP requests whose programs had to be ended after their time.',
            ('client',),
        )
