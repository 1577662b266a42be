"""The two ends of a request's pipeline: the pool that all share, and the sinks or nothing."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import gevent
from gevent.event import Event

from drakkar.contracts.delivery import Delivery
from drakkar.contracts.executor import Executor, OnDone, TaskHandle
from drakkar.errors import RoutingError
from drakkar.models.delivery import DeadLetter, Provenance
from drakkar.models.http import SinkTally
from drakkar.models.payload import Payload
from drakkar.models.snapshot import PoolSnapshot, SinkSnapshot
from drakkar.models.task import ExecutorTask, TaskOutcome


class NoDelivery(Delivery):
    """Sinks are not enabled: nothing leaves by them, and the client hears of failures."""

    def submit(
        self, payloads: Sequence[Payload], provenance: Provenance, on_done: Callable[[], None]
    ) -> None:
        on_done()

    def dead_letter(
        self, letters: Sequence[DeadLetter], provenance: Provenance, on_done: Callable[[], None]
    ) -> None:
        on_done()

    def snapshot(self) -> list[SinkSnapshot]:
        return []


class CountedDelivery(Delivery):
    """The worker's delivery; counts in `tally` what is handed to it."""

    def __init__(self, delivery: Delivery, tally: SinkTally) -> None:
        self._delivery = delivery
        self._tally = tally

    def submit(
        self, payloads: Sequence[Payload], provenance: Provenance, on_done: Callable[[], None]
    ) -> None:
        types = [payload.sink_type for payload in payloads]
        self._tally.attempted.update(types)
        try:
            self._delivery.submit(payloads, provenance, on_done)
        except RoutingError:
            # None was sent, and the request goes to the dead letter queue for it.
            self._tally.errors.update(types)
            raise

    def dead_letter(
        self, letters: Sequence[DeadLetter], provenance: Provenance, on_done: Callable[[], None]
    ) -> None:
        self._delivery.dead_letter(letters, provenance, on_done)

    def snapshot(self) -> list[SinkSnapshot]:
        return self._delivery.snapshot()


class CountedExecutor(Executor):
    """The worker's pool; knows how many runs of this request have not ended."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self.open = 0
        self._none_open = Event()
        self._none_open.set()

    def start(self) -> None:
        """The pool is running already."""

    def submit(
        self, task: ExecutorTask, priority: Any, on_done: OnDone, attempt: int = 1
    ) -> TaskHandle:
        handle = self._pool.submit(task, priority, functools.partial(self._done, on_done), attempt)
        self.open += 1
        self._none_open.clear()
        return handle

    def _done(self, on_done: OnDone, outcome: TaskOutcome) -> None:
        self.open -= 1
        if not self.open:
            self._none_open.set()
        on_done(outcome)

    def join(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds until no run is left; return whether so."""
        with gevent.Timeout(timeout, False):
            self._none_open.wait()
        return not self.open

    def snapshot(self) -> PoolSnapshot:
        return self._pool.snapshot()

    def close(self) -> None:
        """The pool lives on, for others."""
