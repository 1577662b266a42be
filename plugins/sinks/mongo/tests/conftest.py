from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from drakkar.testing.delivery import Delivery
from drakkar_sink_mongo import MongoOptions
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
    with ExitStack() as stack:

        def build(connected: bool = True, **options: Any) -> MongoSink:
            own = {'uri': f'mongodb://{mongo.address}', 'database': database.name}
            sink = MongoSink('main', MongoOptions().load({**own, **options}))
            stack.callback(sink.close)
            if connected:
                sink.connect()
            return sink

        yield build


@pytest.fixture
def delivery(make: Make) -> Iterator[Callable[..., Delivery]]:
    """Put the real delivery around a new sink."""
    with ExitStack() as stack:

        def build(options: dict[str, Any] | None = None, **settings: Any) -> Delivery:
            sink = make(connected=False, **(options or {}))
            return stack.enter_context(Delivery('mongo', sink, **settings))

        yield build
