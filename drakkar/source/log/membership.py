"""A worker's place in its group: keeps the lease alive, notes what it gained and lost."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Literal

import structlog
from gevent.event import Event
from gevent.lock import BoundedSemaphore

from drakkar.contracts.source import SourceEvents
from drakkar.errors import PartitionLostError, SourceError
from drakkar.models.message import TopicPartition
from drakkar.source.log import group
from drakkar.source.log.clock import Clock
from drakkar.source.log.group import Owned
from drakkar.source.log.presence import Presence
from drakkar.source.log.slots import Slot, Slots
from drakkar.source.log.store import LogStore

log = structlog.get_logger('drakkar.source.log')

# A renewal also finds the dead, so with long leases it comes more often than it must.
_RENEWALS_PER_LEASE = 3
_RENEW_SECONDS = 1.0


class Membership:
    """Owns `slots`. Changes are noted and told by `tell`, which the owner calls in its poll.

    Renewals and releases take turns: a renewal that began before a release would
    else give back what was just given up.
    """

    def __init__(
        self,
        store: LogStore,
        clock: Clock,
        name: str,
        worker: str,
        lease_seconds: float,
        reset: Literal['earliest', 'latest'],
    ) -> None:
        self.slots = Slots()
        self.changed = Event()
        self._store = store
        self._presence = Presence(store.directory / f'{store.topic}.members')
        self._clock = clock
        self._reset = reset
        self._me = group.Membership(name, '', worker, lease_seconds)
        self._lease_until = 0.0
        self._notes: deque[tuple[Literal['assigned', 'revoked', 'lost'], list[int]]] = deque()
        self._giving_back: set[int] = set()
        self._turn = BoundedSemaphore(1)
        self._wake = Event()

    def join(self) -> None:
        """Enter the group and take what is free. Raises SourceError."""
        with self._turn:
            self._enter()
            self._renew()

    def _enter(self) -> None:
        self._me = group.Membership(
            self._me.group, uuid.uuid4().hex, self._me.worker, self._me.lease_seconds
        )
        me = self._me
        # Before the others can know of it: a member whose lock nobody holds counts as dead.
        self._store.run(lambda _: self._presence.enter(me.member))
        self._store.run(group.join, me, self._clock, self._reset)

    def keep_alive(self) -> None:
        """Renew the lease for ever: some times a lease, and at once when `nudge` is called."""
        pause = min(_RENEW_SECONDS, self._me.lease_seconds / _RENEWALS_PER_LEASE)
        while True:
            self._wake.wait(pause)
            self._wake.clear()
            try:
                self.renew()
            except SourceError as error:
                log.warning('lease_not_renewed', error=str(error))

    def nudge(self) -> None:
        """Have the lease renewed and the share looked at now."""
        self._wake.set()

    def is_current(self) -> bool:
        """Return whether the lease surely holds; a process that was stopped finds out here."""
        return self._clock.now() < self._lease_until

    def renew(self) -> None:
        """Renew the lease and follow the group's changes. Raises SourceError."""
        with self._turn:
            if self._store.reopen_if_replaced():
                self._expelled()
            self._renew()

    def _renew(self) -> None:
        if self._giving_back:
            self._give_back()
        now = self._clock.now()
        owned = self._store.run(group.renew, self._me, self._clock, self._presence)
        if owned is None:
            log.warning('lease_expired', group=self._me.group, lost=sorted(self.slots))
            self._expelled()
            self._enter()
            now = self._clock.now()
            owned = self._store.run(group.renew, self._me, self._clock, self._presence) or {}
        self._lease_until = now + self._me.lease_seconds
        self._follow(owned)

    def _expelled(self) -> None:
        self._giving_back.clear()
        self._lost(list(self.slots))

    def _follow(self, owned: Mapping[int, Owned]) -> None:
        """Make `slots` what the group's table says."""
        slots = self.slots
        self._lost([p for p, s in slots.items() if p not in owned or owned[p].epoch != s.epoch])
        gained = [p for p in owned if p not in slots]
        for partition in gained:
            at = owned[partition].committed
            slots[partition] = Slot(partition, owned[partition].epoch, at, at)
        self._note('assigned', gained)
        revoked = [p for p, o in owned.items() if o.revoking and not slots[p].revoking]
        for partition in revoked:
            slots[partition].revoke()
        self._note('revoked', revoked)

    def _lost(self, partitions: list[int]) -> None:
        for partition in partitions:
            del self.slots[partition]
        self._note('lost', partitions)

    def _note(self, what: Literal['assigned', 'revoked', 'lost'], partitions: list[int]) -> None:
        if partitions:
            self._notes.append((what, partitions))
            self.changed.set()

    def tell(self, events: SourceEvents) -> None:
        """Tell what changed since last time, in order."""
        self.changed.clear()
        while self._notes:
            what, partitions = self._notes.popleft()
            getattr(events, what)([self._named(p) for p in partitions])

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Store next offsets of owned partitions. Raises SourceError, PartitionLostError."""
        slots = {tp: self.slots.get(tp.partition) for tp in offsets}
        lost = [tp for tp, slot in slots.items() if slot is None]
        held = {tp: slot for tp, slot in slots.items() if slot is not None}
        epochs = {tp.partition: (slot.epoch, offsets[tp]) for tp, slot in held.items()}
        refused = self._store.run(group.commit, self._me, epochs) if epochs else []
        for tp, slot in held.items():
            if tp.partition not in refused:
                slot.committed = offsets[tp]
                continue
            lost.append(tp)
            if self.slots.get(tp.partition) is slot:
                self._lost([tp.partition])
        if lost:
            raise PartitionLostError(lost)

    def release(self, partitions: Sequence[TopicPartition]) -> None:
        """Give partitions back; if the file can't be written now, with the next renewal."""
        with self._turn:
            for tp in partitions:
                slot = self.slots.get(tp.partition)
                # One that was lost and gained anew meanwhile is not what is given up here.
                if slot is not None and slot.revoking:
                    del self.slots[tp.partition]
                    self._giving_back.add(tp.partition)
            try:
                self._give_back()
            except SourceError as error:
                log.warning('release_delayed', error=str(error))
        self.nudge()

    def _give_back(self) -> None:
        giving = sorted(self._giving_back)
        if giving:
            self._store.run(group.release, self._me, giving)
            self._giving_back.difference_update(giving)

    def leave(self) -> None:
        """Leave the group; the others may take the partitions at once. Raises SourceError."""
        with self._turn:
            self.slots.clear()
            self._notes.clear()
            self._store.run(group.leave, self._me)
            self._presence.forget(self._me.member)

    def close(self) -> None:
        """Let the others know, if they don't yet, that this member is gone."""
        self._presence.close()

    def _named(self, partition: int) -> TopicPartition:
        return TopicPartition(self._store.topic, partition)
