"""Gathers the state of all parts into one snapshot: the only thing the UI may read."""

from __future__ import annotations

from collections.abc import Callable

from drakkar.consumer.assignment import Assignment
from drakkar.consumer.backpressure import Backpressure
from drakkar.consumer.loop import PollLoop
from drakkar.contracts.delivery import Delivery
from drakkar.contracts.executor import Executor
from drakkar.contracts.source import Source
from drakkar.models.snapshot import PartitionSnapshot, WorkerSnapshot
from drakkar.worker.stalls import StallBoard


class Observatory:
    """Reads the parts; changes nothing and never waits."""

    def __init__(
        self,
        identity: Callable[[], WorkerSnapshot],
        source: Source,
        assignment: Assignment,
        pressure: Backpressure,
        loop: PollLoop,
        executor: Executor,
        delivery: Delivery,
        stalls: StallBoard,
    ) -> None:
        self._identity = identity
        self._source = source
        self._assignment = assignment
        self._pressure = pressure
        self._loop = loop
        self._executor = executor
        self._delivery = delivery
        self._stalls = stalls

    def snapshot(self) -> WorkerSnapshot:
        snapshot = self._identity()
        snapshot.partitions = self._partitions()
        snapshot.pool = self._executor.snapshot()
        snapshot.sinks = self._delivery.snapshot()
        snapshot.source_problem = self._source.problem()
        snapshot.paused = self._pressure.active
        snapshot.total_queued = self._pressure.total
        snapshot.consumer_idle_seconds = self._loop.idle_seconds
        return snapshot

    def _partitions(self) -> list[PartitionSnapshot]:
        positions = self._source.positions()
        partitions = []
        for processor in self._assignment:
            partition = processor.snapshot()
            partition.committed, partition.high_watermark = positions.get(
                partition.partition, (None, None)
            )
            partition.stalled = self._stalls[partition.partition]
            partitions.append(partition)
        return sorted(partitions, key=lambda p: p.partition)
