"""Records go where other clients of Kafka put them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner import DefaultPartitioner, StickyPartitioner

from drakkar_sink_kafka.partitioner import KeyPartitioner


class Cluster:
    """What a client knows of a cluster whose only topic is `t`."""

    def __init__(self, partitions: int) -> None:
        self._partitions = set(range(partitions))

    def topics(self) -> set[str]:
        return {'t'}

    def partitions_for_topic(self, topic: str) -> set[int]:
        return set(self._partitions)

    available_partitions_for_topic = partitions_for_topic


def chosen(partitioner: Any, key: bytes | None, cluster: Cluster) -> int:
    number: int = partitioner.partition('t', key, key, b'', b'', cluster)
    return number


@given(st.binary(max_size=40), st.integers(1, 200))
def test_a_key_goes_where_other_clients_put_it(key: bytes, partitions: int) -> None:
    cluster = Cluster(partitions)
    others = chosen(DefaultPartitioner(), key, cluster)
    assert chosen(KeyPartitioner(), key, cluster) == others


def test_records_without_a_key_stay_until_their_batch_is_full() -> None:
    cluster, partitioner = Cluster(100), KeyPartitioner()
    assert isinstance(partitioner, StickyPartitioner)
    first = chosen(partitioner, None, cluster)
    assert {chosen(partitioner, None, cluster) for _ in range(20)} == {first}
    partitioner.on_new_batch('t', cluster, first)
    assert chosen(partitioner, None, cluster) != first
