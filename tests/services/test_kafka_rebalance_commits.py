"""Commits in the middle of a rebalance: they wait for its end, and nobody is called for that."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import structlog

from drakkar.contracts.observer import Observer
from drakkar.errors import PartitionLostError, RebalancingError
from drakkar.greenlets import Nursery
from drakkar.models.message import TopicPartition
from drakkar.pipeline.commit import Committer
from integration.servers.kafka import Kafka
from tests.services.kafka_lab import KafkaTown
from tests.services.waiting import wait_until

# Three members come one by one, on a broker that may make the topic of offsets for them first.
pytestmark = pytest.mark.timeout(90)

PARTITIONS = 6


class Books(Observer):
    """What is told of commits."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self.lost: list[TopicPartition] = []

    def source_error(self, error: BaseException) -> None:
        self.errors.append(error)


class Rebalance:
    """A group whose rebalance does not end: `first` waits in it, since `second` drains for ever."""

    def __init__(self, town: KafkaTown) -> None:
        self.town = town
        self.first = town.member()
        # Not both at a time: were `second` alone in the group for a moment, it would give nothing
        # to `first` afterwards.
        wait_until(lambda: len(self.first.owned) == PARTITIONS, 20)
        self.second = town.member(drain=None)
        wait_until(lambda: len(self.first.owned) == len(self.second.owned) == 3, 20)
        for partition in range(PARTITIONS):
            town.append(b'%d' % partition, partition)
        wait_until(lambda: len(self.first.messages) == len(self.second.messages) == 3)
        before = set(self.first.owned)
        self.first._finish = self._give_up  # type: ignore[method-assign]
        self.third = town.member()
        wait_until(lambda: len(self.first.owned) == len(self.second.owned) == 2, 20)
        wait_until(lambda: self.first.source._live()._coordinator.rebalance_in_progress())
        [self.moved] = before - self.first.owned

    def _give_up(self, partitions: list[TopicPartition]) -> None:
        """Release what `first` has not committed, as after a crash."""
        # Not before `second` was told to give up, too: it would join again with all that it has,
        # and nobody were left to wait for.
        wait_until(lambda: len(self.second.owned) == 2, 20)
        self.first.source.release(partitions)

    def end(self) -> None:
        self.second.source.release([self.at(p) for p in range(PARTITIONS)])
        wait_until(lambda: len(self.third.owned) == 2, 20)

    def at(self, partition: int) -> TopicPartition:
        return TopicPartition(self.town.topic, partition)


@pytest.fixture
def rebalance(apache_kafka: Kafka, unique_name: str) -> Iterator[Rebalance]:
    town = KafkaTown(apache_kafka.address, unique_name, PARTITIONS)
    try:
        yield Rebalance(town)
    finally:
        town.close()


def test_what_is_kept_is_committed_afterwards_and_what_moves_is_read_again(
    rebalance: Rebalance,
) -> None:
    town, first = rebalance.town, rebalance.first
    kept = {rebalance.at(p): 1 for p in first.owned}
    moved = rebalance.moved
    with pytest.raises(RebalancingError, match=f'group {town.topic} is rebalancing'):
        first.source.commit(kept)
    with pytest.raises(PartitionLostError):
        first.source.commit({rebalance.at(moved): 1})
    assert [town.committed(p) for p in range(PARTITIONS)] == [0] * PARTITIONS
    rebalance.end()
    wait_until(lambda: first.source._settled)
    first.source.commit(kept)
    assert all(town.committed(at.partition) == 1 for at in kept)
    wait_until(lambda: b'%d' % moved in rebalance.third.values())
    assert all(b'%d' % at.partition not in rebalance.third.values() for at in kept)


def test_it_is_told_as_what_passes_and_made_up_for(rebalance: Rebalance) -> None:
    books = Books()
    committer = Committer(
        rebalance.first.source, books, SimpleNamespace(commit_interval_ms=5), books.lost.extend
    )
    deaths: list[Any] = []
    greenlets = Nursery(lambda *death: deaths.append(death))
    kept = [rebalance.at(p) for p in rebalance.first.owned]
    with structlog.testing.capture_logs() as logged:
        greenlets.spawn('committer', committer.run)
        for at in kept:
            committer.mark(at, 1)
        wait_until(lambda: committer._failures >= 3)
        rebalance.end()
        wait_until(lambda: all(rebalance.town.committed(at.partition) == 1 for at in kept), 8)
        greenlets.kill()
    told = [line for line in logged if line['event'].startswith('commit_')]
    assert [(line['event'], line['log_level']) for line in told] == [('commit_waits', 'info')]
    assert told[0]['reason'] == f'group {rebalance.town.topic} is rebalancing'
    assert (books.errors, books.lost, deaths) == ([], [], [])
