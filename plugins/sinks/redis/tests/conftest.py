from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gevent
import pytest
import redis

import drakkar.api as dk
from drakkar.contracts.observer import Observer
from drakkar.delivery.router import Router
from drakkar.delivery.settings import DeliverySettings
from drakkar.greenlets import Nursery
from drakkar.models.delivery import CancelScope, Provenance
from drakkar.testing.harness import MemoryDeadLetters
from drakkar_sink_redis import RedisOptions, RedisPayload
from drakkar_sink_redis.sink import RedisSink
from integration.servers.redis import Redis

Make = Callable[..., RedisSink]


@pytest.fixture
def client(redis_server: Redis) -> Iterator[redis.Redis]:
    """A client of the server, which is empty."""
    with redis.Redis.from_url(redis_server.dsn, decode_responses=True) as client:
        client.flushall()
        yield client


@pytest.fixture
def make(redis_server: Redis, client: redis.Redis) -> Iterator[Make]:
    """Make sinks on the empty server, connected unless told otherwise."""
    sinks: list[RedisSink] = []

    def build(connected: bool = True, **options: Any) -> RedisSink:
        sink = RedisSink('main', RedisOptions().load({'url': redis_server.dsn, **options}))
        sinks.append(sink)
        if connected:
            sink.connect()
        return sink

    yield build
    for sink in sinks:
        sink.close()


class Delivery:
    """The real delivery around one sink: what was submitted ends in it or in `letters`."""

    def __init__(self, sink: RedisSink, **settings: Any) -> None:
        self.answer = dk.DLQ
        self.failures: list[dk.DeliveryFailure] = []
        self.done: list[int] = []
        self._queue = MemoryDeadLetters()
        self._died: list[Any] = []
        self._nursery = Nursery(lambda *death: self._died.append(death))
        self._scope = CancelScope()
        self._router = Router(
            {dk.SinkRef('redis', 'main'): sink},
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

    def submit(self, number: int, payloads: Sequence[RedisPayload]) -> None:
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
