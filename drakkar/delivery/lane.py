"""The way to one sink instance: a bounded queue and the greenlet that empties it in batches."""

from __future__ import annotations

from collections import deque

import gevent
from gevent.event import Event

from drakkar.contracts.observer import Observer
from drakkar.delivery.instance import Instance
from drakkar.delivery.parcel import Parcel, flatten, provenances_of, settle_delivered
from drakkar.delivery.recovery import Recovery
from drakkar.errors import TransientSinkError
from drakkar.greenlets import NamedGreenlet, Nursery, kill_all

# How soon a submitter that waits for room sees that its scope was cancelled.
SLICE_SECONDS = 1.0


class Lane:
    """Collects parcels of many submissions into batches for one sink instance."""

    def __init__(
        self, instance: Instance, recovery: Recovery, observer: Observer, nursery: Nursery
    ) -> None:
        self.instance = instance
        self._recovery = recovery
        self._observer = observer
        self._nursery = nursery
        self._settings = instance.settings
        self._parcels: deque[Parcel] = deque()
        self._queued = 0
        self._busy = False
        self._closed = False
        self._some = Event()
        self._batch_full = Event()
        self._room = Event()
        self._runner: NamedGreenlet | None = None
        self._recovering: set[gevent.Greenlet] = set()

    def start(self) -> None:
        """Begin to deliver."""
        self._runner = self._nursery.spawn(f'sink-{self.instance.ref}', self._run)

    def put(self, parcel: Parcel) -> None:
        """Queue a parcel; wait while `queue_max` payloads are queued already.

        A parcel larger than the whole queue passes as soon as there is any room.
        Returns without queueing when the scope is cancelled or the lane closed.
        """
        while self._queued >= self._settings.queue_max:
            self._room.clear()
            self._room.wait(SLICE_SECONDS)
            if parcel.ticket.scope.cancelled:
                return
        if self._closed:
            return
        self._parcels.append(parcel)
        self._queued += len(parcel.payloads)
        self._observer.produced(self.instance.ref, parcel.payloads, parcel.ticket.provenance)
        if not self._some.is_set():
            self._some.set()
        if self._queued >= self._settings.batch_max:
            self._batch_full.set()

    @property
    def queued(self) -> int:
        """Payloads that wait for their batch."""
        return self._queued

    @property
    def idle(self) -> bool:
        """Whether nothing waits, is under way or backs off."""
        return not (self._queued or self._busy or self._recovering)

    def close(self) -> None:
        """Stop delivering; what is queued is dropped and nobody is told."""
        self._closed = True
        runner = [] if self._runner is None else [self._runner]
        kill_all([*runner, *self._recovering])
        self._recovering.clear()
        self._parcels.clear()
        self._queued = 0
        self._busy = False
        self._room.set()

    def _run(self) -> None:
        while True:
            self._await_batch()
            self._busy = True
            batch = self._take()
            if batch:
                self._deliver(batch)
            self._busy = False

    def _await_batch(self) -> None:
        if not self._parcels:
            self._some.clear()
            self._some.wait()
        linger = self._settings.linger_ms / 1000
        if linger and self._queued < self._settings.batch_max:
            self._batch_full.clear()
            self._batch_full.wait(linger)

    def _take(self) -> list[Parcel]:
        """Take up to `batch_max` payloads off the queue; cut a parcel that is too large."""
        batch: list[Parcel] = []
        space = self._settings.batch_max
        parcels = self._parcels
        while parcels and space > 0:
            parcel = parcels.popleft()
            size = len(parcel.payloads)
            if parcel.ticket.scope.cancelled:
                self._queued -= size
                continue
            if size > space:
                parcels.appendleft(Parcel(parcel.ticket, parcel.payloads[space:]))
                parcel = Parcel(parcel.ticket, parcel.payloads[:space])
                size = space
            batch.append(parcel)
            space -= size
            self._queued -= size
        if self._queued < self._settings.queue_max and not self._room.is_set():
            self._room.set()
        return batch

    def _deliver(self, batch: list[Parcel]) -> None:
        instance = self.instance
        if not instance.admits():
            self._turn_away(batch)
            return
        payloads = flatten(batch)
        failures = instance.attempt(payloads, provenances_of(batch))
        if not failures:
            for parcel in batch:
                parcel.ticket.settle(len(parcel.payloads))
            return
        failed = settle_delivered(batch, failures)
        answered = instance.answered(payloads, failures)
        name = f'sink-{instance.ref}-recovery'
        self._recovering.add(self._nursery.spawn(name, self._recover, failed, answered))

    def _recover(self, failed: list[Parcel], answered: bool) -> None:
        try:
            self._recovery.run(failed, answered)
        finally:
            self._recovering.discard(gevent.getcurrent())

    def _turn_away(self, batch: list[Parcel]) -> None:
        instance = self.instance
        reason = TransientSinkError(f'circuit open: {instance.stats.last_error}')
        for parcel in batch:
            parcel.error = reason
        self._recovery.give_up(batch, attempts=0)
