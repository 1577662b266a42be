"""The real delivery around one sink, for the tests of its failures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent

from drakkar.contracts.observer import Observer
from drakkar.contracts.sink import Sink
from drakkar.delivery.router import Router
from drakkar.delivery.settings import DeliverySettings
from drakkar.errors import PartialDeliveryError, SinkError
from drakkar.greenlets import Nursery
from drakkar.models.actions import Action
from drakkar.models.delivery import CancelScope, DeliveryFailure, Provenance, SinkRef
from drakkar.models.message import SourceMessage
from drakkar.models.payload import Payload
from drakkar.testing.harness import MemoryDeadLetters

_STEP_SECONDS = 0.005


class Delivery:
    """Lanes, retries, breaker and dead letters as in a worker, in a `with` block.

    What was submitted ends in the sink or in `dead`. `answer` is what
    `on_delivery_error` says; `failures` are what it was asked about; `done` holds the
    numbers of the messages that are safe. `settings` are those of `[sinks]`, with
    shorter waits; times are in seconds.
    """

    def __init__(self, kind: str, sink: Sink, **settings: Any) -> None:
        self.answer = Action.DLQ
        self.failures: list[DeliveryFailure] = []
        self.done: list[int] = []
        self._queue = MemoryDeadLetters()
        self._died: list[Any] = []
        self._nursery = Nursery(lambda *death: self._died.append(death))
        short = {'connect_backoff_seconds': 0.01, 'retry_backoff_seconds': 0.05}
        self._router = Router(
            {SinkRef(kind, sink.name): sink},
            self._queue,
            self._ask,
            Observer(),
            DeliverySettings(**{**short, **settings}),
            self._nursery,
        )

    def __enter__(self) -> Delivery:
        try:
            self._router.connect()
        except BaseException:
            self._nursery.kill()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._router.close()
        self._nursery.kill()
        assert self._died == []

    def _ask(self, failure: DeliveryFailure) -> Action:
        self.failures.append(failure)
        return self.answer

    def submit(self, number: int, *payloads: Payload) -> None:
        """Submit the payloads of message `number`; wait only while the queue is full."""
        provenance = Provenance([SourceMessage('topic', 0, number, b'')], CancelScope())
        self._router.submit(payloads, provenance, lambda: self.done.append(number))

    def settle(self, seconds: float = 20) -> None:
        """Wait until all is delivered or dead-lettered. Raises AssertionError."""
        assert self._router.join(seconds), f'not settled within {seconds} seconds'

    @property
    def dead(self) -> dict[int, str]:
        """Message number to error, for what is in the dead letter queue."""
        return {letter.message.offset: letter.error for letter in self._queue.letters}

    @property
    def dead_data(self) -> list[Any]:
        """The data of all payloads in the dead letter queue."""
        return [payload.data for letter in self._queue.letters for payload in letter.payloads]


def deliver(sink: Sink, *payloads: Payload) -> dict[int, BaseException]:
    """Have the sink deliver a batch once; return what failed, by position."""
    try:
        sink.deliver(payloads)
    except PartialDeliveryError as error:
        return error.failures
    except SinkError as error:
        return dict.fromkeys(range(len(payloads)), error)
    return {}


def wait_until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait until `condition()` holds. Raises AssertionError."""
    with gevent.Timeout(seconds, AssertionError('the condition did not come true')):
        while not condition():
            gevent.sleep(_STEP_SECONDS)
