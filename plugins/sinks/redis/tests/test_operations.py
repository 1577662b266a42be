from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import redis

import drakkar.api as dk
from drakkar_sink_redis import RedisPayload
from drakkar_sink_redis.sink import RedisSink

Make = Callable[..., RedisSink]


def failures_of(sink: RedisSink, *payloads: RedisPayload) -> dict[int, BaseException]:
    with pytest.raises(dk.PartialDeliveryError) as caught:
        sink.deliver(payloads)
    return caught.value.failures


@dataclass
class Found:
    lines: int


def test_a_value_is_json_under_the_prefix(make: Make, client: redis.Redis) -> None:
    make(key_prefix='search:').deliver([RedisPayload('a', Found(3)), RedisPayload('b', [1, None])])
    assert client.get('search:a') == '{"lines":3}'
    assert client.get('search:b') == '[1,null]'


@pytest.mark.parametrize(
    ('default', 'ttl', 'least', 'most'),
    [
        ('0', None, -1, -1),
        ('0', 60, 50_000, 60_000),
        ('0', 2.5, 1_000, 2_500),
        ('90', None, 80_000, 90_000),
        ('90', 60, 50_000, 60_000),
        ('90', 0, -1, -1),
    ],
)
def test_lifetimes(
    make: Make, client: redis.Redis, default: str, ttl: float | None, least: int, most: int
) -> None:
    sink = make(default_ttl_seconds=default)
    sink.deliver([RedisPayload('v', 1, ttl=ttl), RedisPayload.hash('h', {'n': 1}, ttl=ttl)])
    assert least <= client.pttl('v') <= most
    assert least <= client.pttl('h') <= most


def test_lists_and_streams_have_no_lifetime(make: Make, client: redis.Redis) -> None:
    payloads = [RedisPayload.push('l', 1), RedisPayload.stream('s', {'n': 1})]
    make(default_ttl_seconds='90').deliver(payloads)
    assert client.pttl('l') == client.pttl('s') == -1


def test_a_hash_takes_fields_and_leaves_others(make: Make, client: redis.Redis) -> None:
    client.hset('h', 'old', 'stays')
    data = {'text': 'Ægir', 'raw': b'x', 'number': 1.5, 'yes': True, 'none': None, 'list': [1]}
    make().deliver([RedisPayload.hash('h', data)])
    assert client.hgetall('h') == {
        'old': 'stays',
        'text': 'Ægir',
        'raw': 'x',
        'number': '1.5',
        'yes': 'true',
        'none': 'null',
        'list': '[1]',
    }


def test_items_go_to_either_end_of_a_list(make: Make, client: redis.Redis) -> None:
    make().deliver(
        [RedisPayload.push('l', 1), RedisPayload.push('l', 2), RedisPayload.push('l', 0, left=True)]
    )
    assert client.lrange('l', 0, -1) == ['0', '1', '2']


@pytest.mark.parametrize(('left', 'found'), [(False, ['3', '4']), (True, ['4', '3'])])
def test_a_list_is_cut_to_the_newest(
    make: Make, client: redis.Redis, left: bool, found: list[str]
) -> None:
    make().deliver([RedisPayload.push('l', n, left=left, max_length=2) for n in range(5)])
    assert client.lrange('l', 0, -1) == found


def test_a_stream_keeps_about_its_length(make: Make, client: redis.Redis) -> None:
    make().deliver([RedisPayload.stream('s', {'n': n}, max_length=100) for n in range(1000)])
    assert 100 <= client.xlen('s') < 300
    [(_, newest)] = client.xrevrange('s', count=1)
    assert newest == {'n': '999'}


def test_messages_reach_who_listens(make: Make, client: redis.Redis) -> None:
    sink = make(key_prefix='p:')
    with client.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe('p:done')
        listener.get_message(timeout=5)
        sink.deliver([RedisPayload.publish('done', {'n': 1})])
        message = listener.get_message(timeout=5)
    assert json.loads(message['data']) == {'n': 1}


def test_one_pipeline_a_delivery(make: Make, client: redis.Redis) -> None:
    sink = make()
    before = client.info('stats')
    sink.deliver([RedisPayload(f'k{n}', n) for n in range(50)])
    after = client.info('stats')
    assert after['total_connections_received'] == before['total_connections_received']
    assert after['total_commands_processed'] - before['total_commands_processed'] <= 52


class Unreadable:
    def __str__(self) -> str:
        raise ValueError('no')


@pytest.mark.parametrize(
    ('payload', 'reason'),
    [
        (RedisPayload('k', object()), 'no form in Redis'),
        (RedisPayload('\ud800', 1), 'no form in Redis'),
        (RedisPayload('k', 1, ttl=-1), 'invalid expire'),
        (RedisPayload('k', 1, ttl=float('inf')), 'no form in Redis'),
        (RedisPayload('k', 1, ttl=1e30), 'value is not an integer or out of range'),
        (RedisPayload.hash('k', {}), 'not empty'),
        (RedisPayload.hash('k', [1]), 'mapping'),
        (RedisPayload.hash('k', {Unreadable(): 1}), 'no form in Redis'),
        (RedisPayload.stream('k', 'text'), 'mapping'),
        (RedisPayload.push('k', 1, max_length=0), 'max_length is 0'),
        (RedisPayload.stream('k', {'n': 1}, max_length=-1), 'max_length is -1'),
        (RedisPayload.hash('list', {'n': 1}), 'WRONGTYPE'),
        (RedisPayload.push('value', 1, max_length=1), 'WRONGTYPE'),
        (RedisPayload.stream('value', {'n': 1}), 'WRONGTYPE'),
    ],
)
def test_what_is_refused_is_refused_alone(
    make: Make, client: redis.Redis, payload: RedisPayload, reason: str
) -> None:
    client.rpush('list', 1)
    client.set('value', 1)
    sink = make()
    batch = [RedisPayload('a', 1), payload, RedisPayload('b', 2)]
    failures = failures_of(sink, *batch)
    assert list(failures) == [1]
    assert type(failures[1]) is dk.RefusedError
    assert reason in str(failures[1])
    assert (client.get('a'), client.get('b')) == ('1', '2')


def test_a_missing_permission_is_refused_and_told(make: Make, client: redis.Redis) -> None:
    client.acl_setuser(
        'limited', enabled=True, nopass=True, commands=['+@all', '-ltrim'], keys=['ok:*']
    )
    port = client.get_connection_kwargs()['port']
    try:
        sink = make(url=f'redis://limited:x@127.0.0.1:{port}')
        failures = failures_of(
            sink,
            RedisPayload('ok:1', 1),
            RedisPayload('other', 1),
            RedisPayload.push('ok:list', 1, max_length=5),
        )
        assert sorted(failures) == [1, 2]
        assert all(type(error) is dk.RefusedError for error in failures.values())
        assert str(failures[1]).startswith('NOPERM ')
        assert str(failures[2]).startswith('written, but not trimmed: NOPERM ')
        assert client.lrange('ok:list', 0, -1) == ['1']
    finally:
        client.acl_deluser('limited')


def test_full_memory_is_transient(make: Make, client: redis.Redis) -> None:
    sink = make()
    client.config_set('maxmemory', 1)
    try:
        failures = failures_of(sink, RedisPayload('a', 1), RedisPayload.push('l', 1, max_length=3))
    finally:
        client.config_set('maxmemory', 0)
    assert sorted(failures) == [0, 1]
    assert all(type(error) is dk.NotWrittenError for error in failures.values())
    assert str(failures[0]).startswith('OOM ')


def test_a_replica_is_transient(make: Make, client: redis.Redis) -> None:
    sink = make()
    client.replicaof('127.0.0.1', 1)
    try:
        failures = failures_of(sink, RedisPayload('a', 1), RedisPayload.publish('c', 1))
    finally:
        client.replicaof('no', 'one')
    assert list(failures) == [0]  # a replica takes messages
    assert type(failures[0]) is dk.NotWrittenError
    assert str(failures[0]).startswith('READONLY ')


def test_a_payload_describes_itself_for_the_dead_letter_queue() -> None:
    assert RedisPayload.push('k', {'n': 1}, left=True, max_length=3, sink='x').describe() == {
        'sink_type': 'redis',
        'sink': 'x',
        'operation': 'push',
        'key': 'k',
        'ttl': None,
        'left': True,
        'max_length': 3,
        'data': {'n': 1},
    }


def test_payloads_of_different_operations_differ() -> None:
    assert RedisPayload('k', 1) == RedisPayload('k', 1)
    assert RedisPayload('k', 1) != RedisPayload.push('k', 1)
