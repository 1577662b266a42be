"""The Kafka source keeps the contract of a source."""

from __future__ import annotations

from collections.abc import Iterator

import gevent
import pytest
from kafka.errors import KafkaError

from drakkar.errors import PartitionLostError
from tests.services.kafka_lab import KafkaTown
from tests.source.contract import PARTITIONS, Lab, SourceContract


class KafkaLab(Lab):
    def __init__(self, town: KafkaTown) -> None:
        super().__init__(town.source())
        self.town = town
        self.topic = town.topic

    def append(self, value: bytes, partition: int = 0, key: bytes | None = None) -> None:
        self.town.append(value, partition, key)

    def committed(self, partition: int) -> int:
        return self.town.committed(partition)

    def revoke(self, partition: int) -> None:
        assert partition >= PARTITIONS // 2
        self.other = self.town.member()

    def lose(self, partition: int) -> None:
        self.town.evict()

    def break_next(self, call: str) -> None:
        # A refusal that a real broker gives only when someone takes the rights away.
        consumer = self.source._consumer
        name = 'poll' if call == 'poll' else 'commit_once'
        original = getattr(consumer, name)

        def broken(*args: object) -> None:
            setattr(consumer, name, original)
            raise KafkaError('broken by the test')

        setattr(consumer, name, broken)


class TestKafkaSource(SourceContract):
    @pytest.fixture
    def lab(self, town: KafkaTown) -> Iterator[KafkaLab]:
        return KafkaLab(town)

    def test_assignment_is_told_in_poll_only(self, lab: Lab) -> None:
        """Joining a group takes more than one poll."""
        source = lab.started()
        gevent.sleep(0.2)
        assert lab.heard.told == []
        lab.until('assigned', set(range(PARTITIONS)))
        assert set(source.positions()) == {lab.tp(p) for p in range(PARTITIONS)}

    def test_lost_partition_refuses_commits_and_the_others_are_stored(self, lab: Lab) -> None:
        """Kafka knows a lost membership only, and then all partitions are lost."""
        lab.append(b'x', 0)
        source = lab.started()
        lab.drain(1)
        lab.lose(0)
        with pytest.raises(PartitionLostError) as caught:
            source.commit({lab.tp(0): 1})
        assert caught.value.partitions == [lab.tp(p) for p in range(PARTITIONS)]
        assert lab.committed(0) == 0
        lab.until('lost', set(range(PARTITIONS)))
