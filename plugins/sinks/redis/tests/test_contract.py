from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from drakkar.testing.sink_contract import SinkContract
from drakkar_sink_redis import RedisPayload, drakkar_register_sinks
from drakkar_sink_redis.sink import RedisSink
from integration.servers import ports
from integration.servers.redis import Redis


class RedisContract(SinkContract):
    spec = drakkar_register_sinks()[0]

    @pytest.fixture(autouse=True)
    def server(self, redis_server: Redis) -> Iterator[None]:
        self.url = redis_server.dsn
        with redis.Redis.from_url(self.url) as self.client:
            self.client.flushall()
            yield

    def make_sink(self) -> RedisSink:
        return RedisSink('main', self.spec.options().load({'url': self.url, 'key_prefix': 'c:'}))

    def make_unreachable_sink(self) -> RedisSink:
        url = f'redis://127.0.0.1:{ports.pick()[0]}'
        return RedisSink('main', self.spec.options().load({'url': url}))


class TestValues(RedisContract):
    ordered = False

    def make_payload(self, number: int, value: Any = None) -> RedisPayload:
        return RedisPayload(f'k:{number}', {'number': number, 'value': value}, ttl=60)

    def read_back(self) -> list[tuple[int, Any]]:
        values = self.client.mget(keys) if (keys := self.client.keys('c:k:*')) else []
        return [(row['number'], row['value']) for row in map(json.loads, values)]


class TestHashes(TestValues):
    def make_payload(self, number: int, value: Any = None) -> RedisPayload:
        return RedisPayload.hash(f'k:{number}', {'number': number, 'value': value})

    def read_back(self) -> list[tuple[int, Any]]:
        rows = [self.client.hgetall(key) for key in self.client.keys('c:k:*')]
        return [(int(row[b'number']), json.loads(row[b'value'])) for row in rows]


class Appending(RedisContract):
    # The type can repeat what it may; these operations are the others.
    test_the_same_batch_again_changes_nothing_if_idempotent = None


class TestLists(Appending):
    def make_payload(self, number: int, value: Any = None) -> RedisPayload:
        return RedisPayload.push('list', {'number': number, 'value': value}, max_length=10_000)

    def read_back(self) -> list[tuple[int, Any]]:
        rows = map(json.loads, self.client.lrange('c:list', 0, -1))
        return [(row['number'], row['value']) for row in rows]


class TestStreams(Appending):
    def make_payload(self, number: int, value: Any = None) -> RedisPayload:
        return RedisPayload.stream('stream', {'number': number, 'value': value})

    def read_back(self) -> list[tuple[int, Any]]:
        rows = [fields for _, fields in self.client.xrange('c:stream')]
        return [(int(row[b'number']), json.loads(row[b'value'])) for row in rows]
