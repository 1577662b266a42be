from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import redis

from drakkar.testing.delivery import Delivery
from drakkar_sink_redis import RedisOptions
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
    with ExitStack() as stack:

        def build(connected: bool = True, **options: Any) -> RedisSink:
            sink = RedisSink('main', RedisOptions().load({'url': redis_server.dsn, **options}))
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
            return stack.enter_context(Delivery('redis', sink, **settings))

        yield build
