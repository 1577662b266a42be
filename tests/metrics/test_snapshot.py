import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.registry import DuplicateTimeseries

from drakkar.metrics import SnapshotCollector
from drakkar.models.delivery import SinkRef
from drakkar.models.message import TopicPartition
from drakkar.models.snapshot import PartitionSnapshot, PoolSnapshot, SinkSnapshot, WorkerSnapshot


def partition(number, **fields):
    return PartitionSnapshot(TopicPartition('requests', number), **fields)


@pytest.fixture
def state():
    return WorkerSnapshot(
        'w1',
        'main',
        0.0,
        partitions=[
            partition(0, queued=3, committed=10, high_watermark=17, stalled=2),
            partition(1, queued=0, committed=None, high_watermark=5),
            partition(2, queued=1, committed=4, high_watermark=5),
            partition(3, committed=9, high_watermark=9),
        ],
        pool=PoolSnapshot(4, active=3, waiting=9, idle_slot_seconds=12.5),
        sinks=[SinkSnapshot(SinkRef('http', 'hook'), queued=6, breaker=0.5)],
        paused=True,
        total_queued=21,
        consumer_idle_seconds=1.25,
    )


@pytest.fixture
def value(state):
    registry = CollectorRegistry()
    registry.register(SnapshotCollector(lambda: state, hub_lag=lambda: 0.04))
    return lambda name, **labels: registry.get_sample_value(f'drakkar_{name}', labels)


def test_the_state_is_read_at_each_scrape(value, state):
    assert value('executor_pool_active') == 3
    state.pool.active = 4
    assert value('executor_pool_active') == 4


def test_every_part_of_the_state_is_exported(value):
    expected = {
        'assigned_partitions': 4,
        'total_queued': 21,
        'backpressure_active': 1,
        'consumer_idle_seconds_total': 1.25,
        'consumer_lag': 8,
        'executor_pool_active': 3,
        'executor_pool_max': 4,
        'executor_pool_waiting': 9,
        'executor_idle_slot_seconds_total': 12.5,
        'hub_lag_seconds': 0.04,
    }
    assert {name: value(name) for name in expected} == expected
    assert value('sink_circuit_open', sink_type='http', sink_name='hook') == 0.5
    assert value('sink_queue_size', sink_type='http', sink_name='hook') == 6


def test_partitions_have_series_of_their_own(value):
    first = {'topic': 'requests', 'partition': '0'}
    assert value('partition_queue_size', **first) == 3
    assert value('offset_lag', **first) == 7
    assert value('stalled_offsets', **first) == 2


def test_a_lag_that_is_not_known_is_not_exported(value):
    assert value('offset_lag', topic='requests', partition='1') is None
    assert value('partition_queue_size', topic='requests', partition='1') == 0
    assert value('offset_lag', topic='requests', partition='3') == 0


def test_the_series_of_a_revoked_partition_disappear(value, state):
    del state.partitions[0]
    for name in ('partition_queue_size', 'offset_lag', 'stalled_offsets'):
        assert value(name, topic='requests', partition='0') is None
    assert value('assigned_partitions') == 3
    assert value('consumer_lag') == 1


def test_registering_asks_no_worker_and_guards_the_names():
    def not_yet():
        raise AssertionError('the worker is not built')

    registry = CollectorRegistry()
    registry.register(SnapshotCollector(not_yet))
    with pytest.raises(DuplicateTimeseries):
        registry.register(SnapshotCollector(not_yet))
