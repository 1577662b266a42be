import pytest
from prometheus_client import CollectorRegistry

from drakkar.metrics import MetricsObserver
from drakkar.models.actions import Action
from drakkar.models.delivery import CancelScope, DeadLetter, DeliveryFailure, Provenance, SinkRef
from drakkar.models.message import SourceMessage, TopicPartition
from drakkar.models.task import (
    ExecutorError,
    ExecutorResult,
    ExecutorTask,
    FailureKind,
    PrecomputedResult,
)
from drakkar.observers import combine

P0 = TopicPartition('requests', 0)
SINK = SinkRef('filesystem', 'out')
MESSAGE = SourceMessage('requests', 0, 7, b'{}')
ORIGIN = Provenance([MESSAGE], CancelScope())


class Metrics:
    """A worker's registry, the observer that fills it, and a look at its values."""

    def __init__(self):
        self.registry = CollectorRegistry()
        self.observer = MetricsObserver(self.registry, {'worker_id': 'w1', 'cluster': 'main'})

    def __call__(self, name, /, **labels):
        return self.registry.get_sample_value(f'drakkar_{name}', labels)


@pytest.fixture
def metrics():
    return Metrics()


def tell(observer, event, *args):
    """As in production: through the combined observer, which logs what an observer raises."""
    before = combine([observer])
    getattr(before, event)(*args)


PLAIN_COUNTERS = [
    ('consumed', ([MESSAGE, MESSAGE],), 'messages_consumed_total', 2),
    ('source_error', (OSError(),), 'consumer_errors_total', 1),
    ('committed', ({P0: 8},), 'offsets_committed_total', 1),
    ('parse_failed', (MESSAGE, 'no JSON'), 'parse_failures_total', 1),
    ('task_retried', (ExecutorTask(), 2, 0.5), 'executor_retries_total', 1),
    ('dlq_sent', ([DeadLetter(MESSAGE, 'parse', 'x')],), 'dlq_messages_total', 1),
    ('dlq_failed', ([DeadLetter(MESSAGE, 'parse', 'x')], OSError()), 'dlq_send_failures_total', 1),
    ('dlq_dropped', ([DeadLetter(MESSAGE, 'parse', 'x')] * 3,), 'dlq_dropped_total', 3),
    ('runtime_stall', (0.3, 'x.py:1 f'), 'hub_stalls_total', 1),
    ('runtime_stall', (0.3, 'x.py:1 f'), 'hub_stall_seconds_total', 0.3),
]


@pytest.mark.parametrize(('event', 'args', 'name', 'value'), PLAIN_COUNTERS)
def test_an_event_adds_to_its_counter_which_is_zero_before(metrics, event, args, name, value):
    assert metrics(name) == 0
    tell(metrics.observer, event, *args)
    assert metrics(name) == value


SINK_COUNTERS = [
    (
        'sink_delivered',
        (SINK, ['a', 'b'], 0.01, [ORIGIN, ORIGIN]),
        'sink_payloads_delivered_total',
        2,
    ),
    (
        'sink_delivered',
        (SINK, ['a', 'b'], 0.01, [ORIGIN, ORIGIN]),
        'sink_deliver_duration_seconds_count',
        1,
    ),
    (
        'sink_error',
        (DeliveryFailure(SINK, ['a'], OSError()), Action.DLQ, ORIGIN),
        'sink_deliver_errors_total',
        1,
    ),
    ('sink_retried', (SINK, 2), 'sink_retries_total', 1),
    ('sink_skipped', (SINK, ['a', 'b']), 'sink_payloads_skipped_total', 2),
    ('circuit_opened', (SINK, 'refused'), 'sink_circuit_trips_total', 1),
]


@pytest.mark.parametrize(('event', 'args', 'name', 'value'), SINK_COUNTERS)
def test_sink_events_count_for_their_instance(metrics, event, args, name, value):
    labels = {'sink_type': 'filesystem', 'sink_name': 'out'}
    assert metrics(name, **labels) is None
    metrics.observer.watch_sinks([SINK])
    assert metrics(name, **labels) == 0
    tell(metrics.observer, event, *args)
    assert metrics(name, **labels) == value


@pytest.mark.parametrize(
    ('event', 'args', 'kind'),
    [
        ('assigned', ([P0],), 'assigned'),
        ('revoked', ([P0], False), 'revoked'),
        ('revoked', ([P0], True), 'lost'),
    ],
)
def test_rebalances_count_by_type(metrics, event, args, kind):
    tell(metrics.observer, event, *args)
    counts = {k: metrics('rebalance_events_total', type=k) for k in ('assigned', 'revoked', 'lost')}
    assert counts == {'assigned': 0, 'revoked': 0, 'lost': 0} | {kind: 1}


@pytest.mark.parametrize(
    ('kind', 'status', 'timed'),
    [
        (FailureKind.EXIT, 'failed', True),
        (FailureKind.TIMEOUT, 'timeout', True),
        (FailureKind.KILLED, 'killed', True),
        (FailureKind.SPAWN, 'spawn', False),
        (FailureKind.CANCELLED, 'cancelled', False),
    ],
)
def test_a_failed_run_counts_by_its_kind(metrics, kind, status, timed):
    error = ExecutorError(ExecutorTask(), kind, duration_seconds=0.2)
    tell(metrics.observer, 'task_failed', error, 'retry')
    assert metrics('executor_tasks_total', status=status) == 1
    assert metrics('executor_tasks_total', status='completed') == 0
    assert metrics('executor_duration_seconds_count') == int(timed)
    assert metrics('executor_timeouts_total') == int(kind is FailureKind.TIMEOUT)


def test_a_run_is_counted_and_timed(metrics):
    task = ExecutorTask()
    tell(metrics.observer, 'task_started', task, 0, 42, 0.02, 0.0003)
    tell(metrics.observer, 'task_completed', ExecutorResult(task, duration_seconds=0.3, pid=42))
    assert metrics('executor_tasks_total', status='completed') == 1
    assert metrics('executor_duration_seconds_sum') == 0.3
    assert metrics('executor_duration_seconds_bucket', le='0.25') == 0
    assert metrics('executor_duration_seconds_bucket', le='0.5') == 1
    assert metrics('executor_queue_wait_seconds_sum') == 0.02
    assert metrics('executor_spawn_seconds_sum') == 0.0003


def test_precomputed_tasks_are_counted_apart(metrics):
    task = ExecutorTask(precomputed=PrecomputedResult(exit_code=1))
    tell(metrics.observer, 'task_completed', ExecutorResult(task))
    tell(metrics.observer, 'task_failed', ExecutorError(task, FailureKind.EXIT, 1), 'skip')
    assert metrics('executor_precomputed_total') == 2
    assert metrics('executor_tasks_total', status='completed') == 0
    assert metrics('executor_tasks_total', status='failed') == 0
    assert metrics('executor_duration_seconds_count') == 0


def test_hooks_windows_and_periodic_methods_are_timed(metrics):
    tell(metrics.observer, 'hook_ran', 'arrange', 0.001)
    tell(metrics.observer, 'hook_failed', 'arrange', ValueError())
    tell(metrics.observer, 'window_complete', P0, [MESSAGE], [], 1.5)
    tell(metrics.observer, 'periodic_run', 'refresh', 0.1, '')
    tell(metrics.observer, 'periodic_run', 'refresh', 0.1, 'it broke')
    assert metrics('handler_duration_seconds_sum', hook='arrange') == 0.001
    assert metrics('handler_hook_errors_total', hook='arrange') == 1
    assert metrics('batch_duration_seconds_sum') == 1.5
    assert metrics('periodic_runs_total', name='refresh', status='ok') == 1
    assert metrics('periodic_runs_total', name='refresh', status='error') == 1
    assert metrics('periodic_duration_seconds_count', name='refresh') == 2


def test_the_worker_tells_who_it_is(metrics):
    assert metrics('worker_info', worker_id='w1', cluster='main') == 1


def test_no_event_makes_a_series_of_a_partition(metrics):
    for event, args, _, _ in PLAIN_COUNTERS:
        tell(metrics.observer, event, *args)
    tell(metrics.observer, 'assigned', [P0])
    samples = [s for family in metrics.registry.collect() for s in family.samples]
    assert samples
    assert not [s for s in samples if {'partition', 'topic'} & set(s.labels)]
