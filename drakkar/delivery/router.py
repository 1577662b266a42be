"""Delivery as the pipeline knows it: payloads in, one call back when all are safe."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import gevent
import structlog

from drakkar.contracts.delivery import Delivery
from drakkar.contracts.observer import Observer
from drakkar.contracts.sink import Sink
from drakkar.contracts.source import DeadLetterQueue
from drakkar.delivery.connect import connect_all
from drakkar.delivery.dlq import DeadLetters
from drakkar.delivery.instance import Instance, describe
from drakkar.delivery.lane import Lane
from drakkar.delivery.parcel import Parcel, Ticket
from drakkar.delivery.recovery import Recovery
from drakkar.delivery.routing import Routes
from drakkar.delivery.settings import DeliverySettings
from drakkar.greenlets import Nursery
from drakkar.models.actions import Action
from drakkar.models.delivery import DeadLetter, DeliveryFailure, Provenance, SinkRef
from drakkar.models.payload import Payload
from drakkar.models.snapshot import SinkSnapshot

log = structlog.get_logger('drakkar.delivery')

IDLE_POLL_SECONDS = 0.02


class Router(Delivery):
    """Groups payloads by sink instance and gives each instance a lane of its own.

    `ask` answers a DeliveryFailure with an Action and does not raise;
    `labels` are the sink types' names for people; greenlets live in `nursery`. The
    dead letter queue is connected and closed by its owner.
    """

    def __init__(
        self,
        sinks: Mapping[SinkRef, Sink],
        dead_letter_queue: DeadLetterQueue,
        ask: Callable[[DeliveryFailure], Action],
        observer: Observer,
        settings: DeliverySettings,
        nursery: Nursery,
        worker: str = '',
        labels: Mapping[str, str] | None = None,
    ) -> None:
        self.sinks: Mapping[SinkRef, Sink] = dict(sinks)
        self._settings = settings
        self._nursery = nursery
        self._dead_letters = DeadLetters(dead_letter_queue, settings, observer, nursery, worker)
        self._lanes: dict[SinkRef, Lane] = {}
        for ref, sink in sinks.items():
            instance = Instance(ref, sink, settings, observer)
            instance.stats.label = (labels or {}).get(ref.type, '')
            recovery = Recovery(instance, ask, self._dead_letters, settings, observer)
            self._lanes[ref] = Lane(instance, recovery, observer, nursery)
        self._routes = Routes(self._lanes)
        self._closed = False

    def connect(self) -> None:
        """Connect all sinks, then begin to deliver.

        Raises ConnectError (ConfigError for a mistake in a section) that names
        the sections; every sink is closed again then.
        """
        connects = {f'sinks.{ref}': sink.connect for ref, sink in self.sinks.items()}
        try:
            connect_all(connects, self._settings, self._nursery)
        except BaseException:
            self._close_all('debug')  # one that never connected may well fail to close
            raise
        self._dead_letters.start()
        for lane in self._lanes.values():
            lane.start()

    def submit(
        self, payloads: Sequence[Payload], provenance: Provenance, on_done: Callable[[], None]
    ) -> None:
        groups = self._routes.group(payloads)
        if provenance.scope.cancelled:
            return
        if not groups:
            on_done()
            return
        ticket = Ticket(provenance, on_done, len(payloads))
        for lane, group in groups.items():
            lane.put(Parcel(ticket, group))

    def dead_letter(
        self, letters: Sequence[DeadLetter], provenance: Provenance, on_done: Callable[[], None]
    ) -> None:
        self._dead_letters.add_letters(letters, provenance, on_done)

    def snapshot(self) -> list[SinkSnapshot]:
        return [
            replace(
                lane.instance.stats,
                queued=lane.queued,
                breaker=lane.instance.breaker.state.value,
            )
            for lane in self._lanes.values()
        ]

    @property
    def idle(self) -> bool:
        """Whether nothing is queued, under way, backing off or waiting for the DLQ."""
        return self._dead_letters.idle and all(lane.idle for lane in self._lanes.values())

    def join(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds until all is idle; return whether it is."""
        deadline = time.monotonic() + timeout
        while not self.idle:
            if time.monotonic() >= deadline:
                return False
            gevent.sleep(IDLE_POLL_SECONDS)
        return True

    def close(self) -> None:
        """Stop at once and close every sink; `join` first to lose no work. Idempotent."""
        for lane in self._lanes.values():
            lane.close()
        self._dead_letters.close()
        self._close_all('warning')

    def _close_all(self, level: str) -> None:
        if self._closed:
            return
        self._closed = True
        limit = self._settings.delivery_timeout_seconds or None
        for ref, sink in self.sinks.items():
            try:
                with gevent.Timeout(limit, TimeoutError(f'no end within {limit} seconds')):
                    sink.close()
            except Exception as error:
                getattr(log, level)('close_failed', sink=str(ref), error=describe(error))
