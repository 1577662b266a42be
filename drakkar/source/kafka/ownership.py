"""Which partitions this member has, and what is known of them. Pure but for the clock's value."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from drakkar.models.message import TopicPartition


class Ownership:
    """Partitions that are owned, and revoked ones whose drain has not ended.

    Both may be committed. `committed` and `highs` hold the offsets last heard of.
    """

    def __init__(self) -> None:
        self.owned: set[TopicPartition] = set()
        self._draining: dict[TopicPartition, float] = {}
        self.committed: dict[TopicPartition, int] = {}
        self.highs: dict[TopicPartition, int] = {}

    def __contains__(self, partition: object) -> bool:
        return partition in self.owned or partition in self._draining

    @property
    def draining(self) -> Collection[TopicPartition]:
        return self._draining.keys()

    def all(self) -> list[TopicPartition]:
        return sorted({*self.owned, *self._draining})

    def gain(self, partitions: Iterable[TopicPartition]) -> None:
        """Own these from now on; nothing is known of them yet."""
        for partition in partitions:
            self.forget([partition])
            self.owned.add(partition)

    def revoke(self, partitions: Iterable[TopicPartition], deadline: float) -> None:
        """Own these no more; they may be committed until released, at most until `deadline`."""
        for partition in partitions:
            if partition in self.owned:
                self.owned.discard(partition)
                self._draining[partition] = deadline

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Have nothing to do with these any more."""
        for partition in list(partitions):
            self.owned.discard(partition)
            self._draining.pop(partition, None)
            self.committed.pop(partition, None)
            self.highs.pop(partition, None)

    def overdue(self, now: float) -> list[TopicPartition]:
        """Return revoked partitions whose drain takes too long."""
        return sorted(p for p, deadline in self._draining.items() if deadline <= now)

    def starts(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Note where reading begins: with what is committed, or where there is no commit."""
        for partition, offset in offsets.items():
            if partition in self.owned:
                self.committed.setdefault(partition, offset)

    def stored(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Note commits that were accepted."""
        self.committed.update({p: o for p, o in offsets.items() if p in self})

    def reaches(self, partition: TopicPartition, high: int | None) -> int | None:
        """Note a high watermark, which never falls back; return the last one known."""
        known = self.highs.get(partition)
        if high is not None and (known is None or high > known):
            self.highs[partition] = known = high
        return known
