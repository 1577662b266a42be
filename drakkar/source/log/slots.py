"""The partitions a worker owns, and what was read ahead of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from drakkar.models.message import SourceMessage
from drakkar.source.log.read import Batch, Want


@dataclass(slots=True, eq=False)
class Slot:
    """One owned partition. `position` is the next offset to read, `high` that to be written."""

    partition: int
    epoch: int
    position: int
    committed: int
    high: int | None = None
    revoking: bool = False
    ready: list[SourceMessage] = field(default_factory=list)

    def revoke(self) -> None:
        """Hand out nothing more; what is in the pipeline may still be committed."""
        self.revoking = True
        self.ready.clear()

    def accept(self, batch: Batch) -> None:
        """Take what was read."""
        self.ready.extend(batch.messages)
        self.position = batch.position


class Slots(dict[int, Slot]):
    """Owned partitions by number, served in turn."""

    def __init__(self) -> None:
        super().__init__()
        self._turn = 0

    def _readable(self) -> Iterator[Slot]:
        return (slot for slot in self.values() if not slot.revoking)

    def wants(self, total: int) -> list[Want]:
        """Return what to read: the partitions with nothing at hand share `total` messages.

        One known to have more is preferred to one that had none when last seen.
        """
        empty = [slot for slot in self._readable() if not slot.ready]
        behind = [slot for slot in empty if slot.high is None or slot.position < slot.high]
        share = max(1, total // max(1, len(behind)))
        return [Want(s.partition, s.position, share) for s in empty]

    def has_backlog(self) -> bool:
        """Return whether a partition with nothing at hand is known or likely to have more."""
        return any(
            not slot.ready and (slot.high is None or slot.position < slot.high)
            for slot in self._readable()
        )

    def take(self, limit: int) -> list[SourceMessage]:
        """Return up to `limit` messages, as even a share of each partition as there is."""
        taken: list[SourceMessage] = []
        waiting = [slot for slot in self._readable() if slot.ready]
        if not waiting:
            return taken
        self._turn = (self._turn + 1) % len(waiting)
        waiting = waiting[self._turn :] + waiting[: self._turn]
        while waiting and limit > 0:
            share = max(1, limit // len(waiting))
            for slot in waiting:
                part = slot.ready[: min(share, limit)]
                del slot.ready[: len(part)]
                taken += part
                limit -= len(part)
            waiting = [slot for slot in waiting if slot.ready]
        return taken
