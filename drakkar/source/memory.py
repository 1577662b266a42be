"""A source that holds its partitions in memory and does what a test says."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Literal

import gevent
from gevent.event import Event

from drakkar.contracts.source import Source, SourceEvents
from drakkar.errors import PartitionLostError, SourceError
from drakkar.models.message import SourceMessage, TopicPartition

Call = Literal['poll', 'commit']


class MemorySource(Source):
    """Partitions are lists; `append` produces, `assign`, `revoke` and `lose` play the group.

    All partitions are assigned at the first poll unless `assign_all` is False.
    `committed` holds the next offsets as stored, `commits` every successful
    commit in order, `released` and `closed` what the owner did.
    """

    def __init__(
        self, partitions: int = 1, topic: str = 'messages', *, assign_all: bool = True
    ) -> None:
        self.topic = topic
        self.log: list[list[SourceMessage]] = [[] for _ in range(partitions)]
        self.committed: dict[TopicPartition, int] = {}
        self.commits: list[dict[TopicPartition, int]] = []
        self.released: list[TopicPartition] = []
        self.paused = False
        self.closed = False
        self._assign_all = assign_all
        self._events: SourceEvents | None = None
        self._notes: deque[tuple[str, list[TopicPartition]]] = deque()
        self._position: dict[int, int] = {}
        self._revoking: set[int] = set()
        self._failures: dict[Call, deque[Exception]] = {'poll': deque(), 'commit': deque()}
        self._changed = Event()
        self._turn = 0

    # What a test does

    def append(
        self, value: bytes | None, partition: int = 0, key: bytes | None = None
    ) -> SourceMessage:
        """Add a message to a partition and return it."""
        messages = self.log[partition]
        message = SourceMessage(self.topic, partition, len(messages), value, key)
        messages.append(message)
        self._changed.set()
        return message

    def assign(self, *partitions: int) -> None:
        """Give partitions to the owner, from where they were committed; told in its next poll."""
        for partition in partitions:
            self._position[partition] = self.committed.get(self._named(partition), 0)
            self._revoking.discard(partition)
        self._note('assigned', partitions)

    def revoke(self, *partitions: int) -> None:
        """Ask for partitions back: nothing more of them is returned, commits still work."""
        self._revoking.update(partitions)
        self._note('revoked', partitions)

    def lose(self, *partitions: int) -> None:
        """Take partitions away: commits to them are refused from now on."""
        self._forget(partitions)
        self._note('lost', partitions)

    def fail(self, call: Call, error: Exception | None = None, times: int = 1) -> None:
        """Let the next `times` calls of `poll` or `commit` raise."""
        error = error or SourceError(f'{call} failed as the test said')
        self._failures[call].extend([error] * times)
        self._changed.set()

    # The contract

    def start(self, events: SourceEvents) -> None:
        self._events = events
        if self._assign_all:
            self.assign(*range(len(self.log)))

    def poll(self, max_messages: int, timeout: float) -> list[SourceMessage]:
        with gevent.Timeout(timeout, False):
            while not self.closed:
                self._changed.clear()
                self._tell()
                self._raise('poll')
                messages = [] if self.paused else self._take(max_messages)
                if messages:
                    return messages
                self._changed.wait()
        return []

    def _tell(self) -> None:
        assert self._events is not None, 'poll before start'
        while self._notes:
            what, partitions = self._notes.popleft()
            getattr(self._events, what)(partitions)

    def _take(self, limit: int) -> list[SourceMessage]:
        taken: list[SourceMessage] = []
        owned = [p for p in self._position if p not in self._revoking]
        self._turn += 1
        for index in range(len(owned)):
            partition = owned[(self._turn + index) % len(owned)]
            share = -(-(limit - len(taken)) // (len(owned) - index))
            at = self._position[partition]
            part = self.log[partition][at : at + share]
            self._position[partition] = at + len(part)
            taken += part
        return taken

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False
        self._changed.set()

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        self._raise('commit')
        owned = {tp: offset for tp, offset in offsets.items() if tp.partition in self._position}
        if owned:
            self.committed.update(owned)
            self.commits.append(owned)
        if len(owned) < len(offsets):
            raise PartitionLostError([tp for tp in offsets if tp not in owned])

    def release(self, partitions: Sequence[TopicPartition]) -> None:
        self.released.extend(partitions)
        # One that was assigned anew meanwhile is not what is given up here.
        self._forget([tp.partition for tp in partitions if tp.partition in self._revoking])

    def positions(self) -> Mapping[TopicPartition, tuple[int | None, int | None]]:
        names = {p: self._named(p) for p in self._position}
        return {tp: (self.committed.get(tp, 0), len(self.log[p])) for p, tp in names.items()}

    def close(self) -> None:
        self.closed = True
        self._changed.set()

    def _forget(self, partitions: Sequence[int]) -> None:
        for partition in partitions:
            self._position.pop(partition, None)
            self._revoking.discard(partition)

    def _note(self, what: str, partitions: Sequence[int]) -> None:
        self._notes.append((what, [self._named(p) for p in partitions]))
        self._changed.set()

    def _raise(self, call: Call) -> None:
        if self._failures[call]:
            raise self._failures[call].popleft()

    def _named(self, partition: int) -> TopicPartition:
        return TopicPartition(self.topic, partition)
