from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gevent
import pytest
from pymongo import MongoClient
from pymongo.database import Database

import drakkar.api as dk
from drakkar.contracts.observer import Observer
from drakkar.delivery.router import Router
from drakkar.delivery.settings import DeliverySettings
from drakkar.greenlets import Nursery
from drakkar.models.delivery import CancelScope, Provenance
from drakkar.testing.harness import MemoryDeadLetters
from drakkar_sink_mongo import MongoOptions, MongoPayload
from drakkar_sink_mongo.sink import MongoSink

Make = Callable[..., MongoSink]


@pytest.fixture(scope='session', autouse=True)
def _short_heartbeat() -> Iterator[None]:
    """Let the driver's monitors see sooner that their client was closed: they sleep so long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('pymongo.common.MIN_HEARTBEAT_INTERVAL', 0.02)
        patch.setattr('pymongo.network_layer._POLL_TIMEOUT', 0.02)
        yield


@pytest.fixture(autouse=True)
def _monitors_end(_short_heartbeat: None, until: Callable[..., None]) -> Iterator[None]:
    """Wait until the monitors of all clients, closed by now, have ended."""
    yield
    until(lambda: not any(t.name.startswith('pymongo_') for t in threading.enumerate()))


@pytest.fixture
def database(mongo: Any, unique_name: str) -> Iterator[Database[Any]]:
    """A client's view of a database of the test's own."""
    with MongoClient(f'mongodb://{mongo.address}', serverSelectionTimeoutMS=10_000) as client:
        yield client[unique_name]


@pytest.fixture
def make(mongo: Any, database: Database[Any]) -> Iterator[Make]:
    """Make sinks on the empty database, connected unless told otherwise."""
    sinks: list[MongoSink] = []

    def build(connected: bool = True, **options: Any) -> MongoSink:
        own = {'uri': f'mongodb://{mongo.address}', 'database': database.name}
        sink = MongoSink('main', MongoOptions().load({**own, **options}))
        sinks.append(sink)
        if connected:
            sink.connect()
        return sink

    yield build
    for sink in sinks:
        sink.close()


class Delivery:
    """The real delivery around one sink: what was submitted ends in it or in `letters`."""

    def __init__(self, sink: MongoSink, **settings: Any) -> None:
        self.answer = dk.DLQ
        self.failures: list[dk.DeliveryFailure] = []
        self.done: list[int] = []
        self._queue = MemoryDeadLetters()
        self._died: list[Any] = []
        self._nursery = Nursery(lambda *death: self._died.append(death))
        self._scope = CancelScope()
        self._router = Router(
            {dk.SinkRef('mongo', 'main'): sink},
            self._queue,
            self._ask,
            Observer(),
            DeliverySettings(connect_backoff_seconds=0.01, retry_backoff_seconds=0.05, **settings),
            self._nursery,
        )

    def _ask(self, failure: dk.DeliveryFailure) -> dk.Action:
        self.failures.append(failure)
        return self.answer

    def connect(self) -> Delivery:
        self._router.connect()
        return self

    def submit(self, number: int, payloads: Sequence[MongoPayload]) -> None:
        """Submit the payloads of message `number`."""
        message = dk.SourceMessage('topic', 0, number, b'')
        provenance = Provenance([message], self._scope)
        self._router.submit(payloads, provenance, lambda: self.done.append(number))

    def settle(self) -> None:
        assert self._router.join(20)

    @property
    def dead(self) -> dict[int, str]:
        """Message number to error, for what is in the dead letter queue."""
        return {letter.message.offset: letter.error for letter in self._queue.letters}

    @property
    def dead_data(self) -> list[Any]:
        return [p.data for letter in self._queue.letters for p in letter.payloads]

    def close(self) -> None:
        self._router.close()
        self._nursery.kill()
        assert self._died == []


@pytest.fixture
def delivery(make: Make) -> Iterator[Callable[..., Delivery]]:
    """Put the real delivery around a new sink."""
    made: list[Delivery] = []

    def build(options: dict[str, Any] | None = None, **settings: Any) -> Delivery:
        made.append(Delivery(make(connected=False, **(options or {})), **settings))
        return made[-1].connect()

    yield build
    for one in made:
        one.close()


@pytest.fixture
def until() -> Callable[[Callable[[], Any]], None]:
    """Wait for a condition."""

    def wait(condition: Callable[[], Any], seconds: float = 10) -> None:
        with gevent.Timeout(seconds, AssertionError('the condition did not come true')):
            while not condition():
                gevent.sleep(0.005)

    return wait
