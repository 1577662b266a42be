from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
import redis
from gevent.server import StreamServer

import drakkar.api as dk
from drakkar.delivery.attempt import Attempt
from drakkar_sink_redis import RedisPayload
from drakkar_sink_redis.sink import RedisSink
from integration.servers import ports
from integration.servers.redis import Redis

Make = Callable[..., RedisSink]
Deliver = Callable[..., Any]
Until = Callable[..., None]


def numbers(client: redis.Redis) -> set[int]:
    return {int(key.removeprefix('n:')) for key in client.scan_iter('n:*', count=1000)}


# At start


def test_a_wrong_password_is_a_mistake_in_the_section(
    delivery: Deliver, redis_server: Redis
) -> None:
    with pytest.raises(dk.ConfigError) as caught:
        delivery({'url': f'redis://:secret@{redis_server.address}'})
    assert str(caught.value).startswith('[sinks.redis.main] url: the server says: ')
    assert 'secret' not in str(caught.value)


@pytest.mark.parametrize(
    ('path', 'reason'), [('/9999', 'out of range'), ('/0?no_such=1', 'no_such'), ('/0?db=x', 'db')]
)
def test_a_wrong_url_is_a_mistake_in_the_section(
    delivery: Deliver, redis_server: Redis, path: str, reason: str
) -> None:
    with pytest.raises(dk.ConfigError, match=rf'\[sinks\.redis\.main\] url: .*{reason}'):
        delivery({'url': f'redis://{redis_server.address}{path}'})


def test_a_server_that_is_away_at_start_is_named(delivery: Deliver) -> None:
    port = ports.pick()[0]
    with pytest.raises(dk.ConnectError) as caught:
        delivery({'url': f'redis://:secret@127.0.0.1:{port}'}, connect_attempts=2)
    text = str(caught.value)
    assert text.startswith('[sinks.redis.main] could not connect: ')
    assert f'127.0.0.1:{port}' in text
    assert 'secret' not in text


def test_a_server_that_comes_up_late_is_connected_to(
    delivery: Deliver, redis_server: Redis, client: redis.Redis
) -> None:
    redis_server.kill()
    later = gevent.spawn_later(0.2, redis_server.start)
    one = delivery(connect_attempts=50)
    later.get()
    one.submit(1, RedisPayload('n:1', 1))
    one.settle()
    assert (one.done, one.dead, numbers(client)) == ([1], {}, {1})


# While it runs


def test_only_what_the_server_refuses_is_dead_lettered_and_with_the_reason(
    delivery: Deliver, client: redis.Redis
) -> None:
    client.set('text', 'x')
    one = delivery()
    for number in range(20):
        bad = number % 5 == 0
        payload = RedisPayload.push('text' if bad else 'list', number)
        one.submit(number, payload, RedisPayload(f'n:{number}', number))
    one.settle()
    assert sorted(one.done) == list(range(20))
    assert sorted(one.dead) == [0, 5, 10, 15]
    assert all('WRONGTYPE' in error for error in one.dead.values())
    assert sorted(one.dead_data) == [0, 5, 10, 15]
    assert [int(n) for n in client.lrange('list', 0, -1)] == [n for n in range(20) if n % 5]
    assert numbers(client) == set(range(20))


def test_a_server_that_was_killed_and_comes_back(
    delivery: Deliver, redis_server: Redis, client: redis.Redis, until: Until
) -> None:
    one = delivery(max_retries=1000, retry_backoff_max_seconds=0.1)
    one.answer = dk.RETRY
    for number in range(300):
        one.submit(number, RedisPayload(f'n:{number}', number))
        if number == 100:
            redis_server.kill()
        gevent.sleep(0)
    until(lambda: one.failures)
    redis_server.start()
    one.settle()
    assert sorted(one.done) == list(range(300))
    assert one.dead == {}
    assert numbers(client) == set(range(300))


def test_an_idle_connection_that_was_closed_costs_nothing(
    make: Make, redis_server: Redis, client: redis.Redis
) -> None:
    sink = make()
    sink.deliver([RedisPayload.push('list', 1)])
    redis_server.restart()
    sink.deliver([RedisPayload.push('list', 2)])  # and no error in between
    assert client.lrange('list', 0, -1) == ['1', '2']


def test_a_server_that_hangs_is_given_up_at_the_timeout(
    delivery: Deliver, redis_server: Redis, client: redis.Redis, until: Until
) -> None:
    one = delivery(delivery_timeout_seconds=0.3)
    redis_server.pause()
    one.submit(1, RedisPayload('n:1', 1), RedisPayload.push('list', 1))
    until(lambda: one.failures)
    redis_server.resume()
    one.settle()
    # SET is tried again, the push must not be: the server may yet do it.
    assert one.done == [1]
    assert 1 in one.dead_data
    pushes = [f for f in one.failures if f.payloads[0].operation == 'push']
    assert [f.attempt for f in pushes] == [1]
    assert 'nobody knows' in str(pushes[0].exception)
    one.submit(2, RedisPayload('n:2', 2))
    one.settle()
    assert 2 in numbers(client)
    assert client.llen('list') <= 1


def test_an_answer_that_comes_late_is_not_taken_for_the_next_ones(
    make: Make, redis_server: Redis, client: redis.Redis
) -> None:
    client.rpush('list', 1)
    sink = make()
    redis_server.pause()
    with gevent.Timeout(0.2, False), pytest.raises(dk.PartialDeliveryError):
        sink.deliver([RedisPayload.hash('list', {'n': 1})])  # WRONGTYPE, too late
    redis_server.resume()
    sink.deliver([RedisPayload('a', 1)])
    assert client.get('a') == '1'


def test_a_silent_server_is_given_up_by_the_sink_itself(make: Make, redis_server: Redis) -> None:
    sink = make(socket_timeout_seconds='0.2')
    redis_server.pause()
    with pytest.raises(dk.PartialDeliveryError) as caught:
        sink.deliver([RedisPayload('a', 1), RedisPayload.publish('c', 1)])
    kinds = {i: type(error) for i, error in caught.value.failures.items()}
    assert kinds == {0: dk.TransientSinkError, 1: dk.SinkError}


def test_a_delivery_that_is_killed_leaves_no_half_connection(
    make: Make, redis_server: Redis, client: redis.Redis, until: Until, is_reading: Any
) -> None:
    client.rpush('list', 1)
    sink = make()
    redis_server.pause()
    lost = gevent.spawn(sink.deliver, [RedisPayload.hash('list', {'n': 1})])
    until(lambda: is_reading(lost))
    lost.kill()
    redis_server.resume()
    sink.deliver([RedisPayload('a', 1)])
    assert client.get('a') == '1'


def test_a_push_that_was_never_sent_is_repeated_by_delivery(
    make: Make, redis_server: Redis, client: redis.Redis
) -> None:
    sink = make()
    redis_server.stop()
    payloads = [RedisPayload.push('list', n) for n in range(3)]
    assert Attempt(sink, 30, lambda _: redis_server.start()).run(payloads, 1) == {}
    assert client.lrange('list', 0, -1) == ['0', '1', '2']


# A server that gives so many replies and then says no more: no real one can be told where to stop.

HELLO = 3  # CLIENT SETINFO twice, and the PING of `connect`


@pytest.fixture
def scripted() -> Iterator[Callable[[bytes], str]]:
    """Return the URL of a server that answers each batch with the given bytes and hangs up."""
    servers: list[StreamServer] = []

    def serve(answer: bytes) -> str:
        def talk(connection: Any, address: Any) -> None:
            lines = connection.makefile('rb')
            commands = 0
            with connection, lines:
                while (line := lines.readline()) and commands <= HELLO:
                    for _ in range(int(line[1:])):
                        size = int(lines.readline()[1:])
                        lines.read(size + 2)
                    commands += 1
                    connection.sendall(b'+OK\r\n' if commands <= HELLO else answer)

        server = StreamServer(('127.0.0.1', 0), talk)
        server.start()
        servers.append(server)
        return f'redis://127.0.0.1:{server.server_port}'

    yield serve
    for server in servers:
        server.stop()


def outcome(sink: RedisSink, *payloads: RedisPayload) -> dict[int, type]:
    with pytest.raises(dk.PartialDeliveryError) as caught:
        sink.deliver(payloads)
    return {i: type(error) for i, error in caught.value.failures.items()}


def test_replies_that_came_before_the_end_count(make: Make, scripted: Any) -> None:
    sink = make(url=scripted(b':1\r\n+OK\r\n:1\r\n'))
    payloads = [
        RedisPayload.push('l', 1),
        RedisPayload('a', 1),
        RedisPayload.push('l', 2, max_length=5),  # pushed; nobody knows whether it was trimmed
        RedisPayload.push('l', 3),
        RedisPayload('b', 1),
    ]
    assert outcome(sink, *payloads) == {3: dk.SinkError, 4: dk.TransientSinkError}


def test_a_hash_without_its_lifetime_is_not_delivered(make: Make, scripted: Any) -> None:
    sink = make(url=scripted(b':1\r\n'))
    failures = outcome(sink, RedisPayload.hash('h', {'n': 1}, ttl=5))
    assert failures == {0: dk.TransientSinkError}


def test_a_server_that_loads_has_done_nothing(make: Make, scripted: Any) -> None:
    sink = make(url=scripted(b'-LOADING Redis is loading the dataset in memory\r\n'))
    failures = outcome(sink, RedisPayload.push('l', 1), RedisPayload('a', 1))
    assert failures == {0: dk.NotWrittenError, 1: dk.NotWrittenError}


@pytest.mark.parametrize(
    ('reply', 'kind'),
    [
        ('CLUSTERDOWN Hash slot not served', dk.NotWrittenError),
        ('MASTERDOWN Link with MASTER is down', dk.NotWrittenError),
        ('TRYAGAIN Multiple keys request', dk.NotWrittenError),
        ('MISCONF Redis is configured to save RDB snapshots', dk.NotWrittenError),
        ('NOREPLICAS Not enough good replicas to write.', dk.NotWrittenError),
        ('BUSY Redis is busy running a script.', dk.NotWrittenError),
        ('MOVED 3999 127.0.0.1:6381', dk.RefusedError),
        ('ERR unknown command', dk.RefusedError),
    ],
)
def test_codes_tell_what_may_pass(make: Make, scripted: Any, reply: str, kind: type) -> None:
    sink = make(url=scripted(f'-{reply}\r\n'.encode()))
    with pytest.raises(dk.PartialDeliveryError) as caught:
        sink.deliver([RedisPayload.push('l', 1)])
    assert type(caught.value.failures[0]) is kind
    assert str(caught.value.failures[0]).startswith(reply.split()[0])


def test_failures_of_one_reason_are_one_object(make: Make, client: redis.Redis) -> None:
    client.set('text', 'x')
    with pytest.raises(dk.PartialDeliveryError) as caught:
        make().deliver([RedisPayload.push('text', n) for n in range(3)])
    assert len({id(error) for error in caught.value.failures.values()}) == 1


def test_a_value_of_megabytes_arrives(make: Make, client: redis.Redis) -> None:
    big = {'text': 'x' * 5_000_000}
    make().deliver([RedisPayload('big', big), RedisPayload('small', 1)])
    assert json.loads(client.get('big')) == big
