"""Stores offsets in the group, of partitions that are ours only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from gevent.lock import RLock
from kafka import TopicPartition as KafkaPartition
from kafka.errors import CommitFailedError, KafkaError, RebalanceInProgressError

from drakkar.errors import PartitionLostError, RebalancingError, SourceError
from drakkar.models.message import TopicPartition
from drakkar.source.kafka.consumer import GroupConsumer
from drakkar.source.kafka.ownership import Ownership

_COMMIT_SECONDS = 5.0


class Commits:
    """The commits of one source, from any greenlet, one at a time.

    `consumer()` returns the one in use, or None. `evicted(partitions)` is called when
    an answer tells that this member was thrown out of `group`, and what it had is lost.
    """

    def __init__(
        self,
        group: str,
        partitions: Ownership,
        consumer: Callable[[], GroupConsumer | None],
        evicted: Callable[[Sequence[TopicPartition]], None],
    ) -> None:
        self._group = group
        self._partitions = partitions
        self._consumer = consumer
        self._evicted = evicted
        self._unanchored: dict[TopicPartition, int] = {}
        self._turn = RLock()

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Store next offsets.

        Raises PartitionLostError for what is not ours, RebalancingError, SourceError.
        """
        with self._turn:
            mine = {p: offset for p, offset in offsets.items() if p in self._partitions}
            if mine:
                self._store(mine)
        if len(mine) < len(offsets):
            raise PartitionLostError([p for p in offsets if p not in mine])

    def begin_at(self, starts: Mapping[TopicPartition, int]) -> None:
        """Have `anchor` commit where reading begins."""
        self._unanchored.update(starts)

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Leave it to the next owner of these where reading begins."""
        for partition in partitions:
            self._unanchored.pop(partition, None)

    def anchor(self) -> None:
        """Commit where a new group begins to read at the end of its partitions.

        Without it, whoever takes a partition over before the first commit would
        begin at the end that there is then, and lose what came in between.
        Raises PartitionLostError, SourceError.
        """
        with self._turn:
            offsets = {
                partition: offset
                for partition, offset in self._unanchored.items()
                if self._partitions.committed.get(partition) == offset
            }
            if offsets:
                self._store(offsets)
            self._unanchored.clear()

    def _store(self, offsets: Mapping[TopicPartition, int]) -> None:
        consumer = self._consumer()
        if consumer is None:
            raise SourceError('not connected to Kafka')
        try:
            consumer.commit_once(
                {KafkaPartition(*p): offset for p, offset in offsets.items()}, _COMMIT_SECONDS
            )
        except Exception as error:
            current = consumer is self._consumer()
            if isinstance(error, KafkaError) and consumer.evicted and current:
                gone = sorted({*offsets, *self._partitions.all()})
                self._evicted(gone)
                raise PartitionLostError(gone) from error
            if _is_rebalance(error):
                raise RebalancingError(f'group {self._group} is rebalancing') from error
            raise SourceError(f'commit to {self._group}: {error}') from error
        self._partitions.stored(offsets)


def _is_rebalance(error: BaseException) -> bool:
    """Return whether a commit was refused by a member, or by the group, that shares out anew."""
    if isinstance(error, CommitFailedError) and error.args:
        error = error.args[0]  # what the broker answered
    return isinstance(error, RebalanceInProgressError)
