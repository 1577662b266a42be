from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from pymongo import MongoClient
from pymongo.database import Database

import drakkar.api as dk
from drakkar_sink_mongo import MongoPayload
from drakkar_sink_mongo.sink import MongoSink
from integration.servers import ports
from integration.servers.fixtures import serving
from integration.servers.mongo import Mongo

Make = Callable[..., MongoSink]
Deliver = Callable[..., Any]
Until = Callable[..., None]

COUNT = '{"filter": {"_id": ":host"}, "update": {"$inc": {"hits": 1}}}'
LAST = '{"filter": {"_id": ":host"}, "update": {"$set": {"last": 1}}}'
OPERATIONS = {'count': COUNT, 'last': LAST}


def numbers(database: Database[Any]) -> list[int]:
    return sorted(row['n'] for row in database.rows.find())


# At start


def test_a_wrong_password_is_a_mistake_in_the_section(delivery: Deliver, mongo: Mongo) -> None:
    with pytest.raises(dk.ConfigError) as caught:
        delivery({'uri': f'mongodb://user:secret@{mongo.address}'})
    assert str(caught.value).startswith('[sinks.mongo.main] uri: the server says: ')
    assert 'secret' not in str(caught.value)


@pytest.mark.parametrize(
    ('options', 'reason'),
    [
        ({'uri': 'mongodb://127.0.0.1:99999/x'}, 'uri: .*[Pp]ort'),
        ({'uri': 'mongodb://127.0.0.1/x?maxPoolSize=no'}, 'uri: .*maxpoolsize'),
        # Since 4.20.1 pymongo does not name it: it may be the end of a password with a `?`.
        ({'uri': 'mongodb://127.0.0.1/x?no_such=1'}, 'uri: Unknown option'),
        ({'database': ''}, 'database: No default database'),
        ({'database': 'a b'}, 'database: '),
        ({'write_concern': '0'}, 'write_concern: must be at least 1'),
    ],
)
def test_a_wrong_section_is_named(delivery: Deliver, options: dict[str, str], reason: str) -> None:
    with pytest.raises(dk.ConfigError, match=rf'\[sinks\.mongo\.main\] {reason}'):
        delivery(options)


def test_unacknowledged_writes_are_refused_in_the_uri_too(delivery: Deliver, mongo: Mongo) -> None:
    with pytest.raises(dk.ConfigError, match='write_concern'):
        delivery({'uri': f'mongodb://{mongo.address}/?w=0'})


@pytest.mark.parametrize('concern', ['1', 'majority'])
def test_a_write_concern_is_passed_on(make: Make, database: Database[Any], concern: str) -> None:
    make(write_concern=concern).deliver([MongoPayload('rows', {'n': 1})])
    assert numbers(database) == [1]


def test_a_server_that_is_away_at_start_is_named(delivery: Deliver) -> None:
    port = ports.pick()[0]
    uri = f'mongodb://user:secret@127.0.0.1:{port}'
    with pytest.raises(dk.ConnectError) as caught:
        delivery({'uri': uri, 'connect_timeout_seconds': '0.1'}, connect_attempts=2)
    text = str(caught.value)
    assert text.startswith('[sinks.mongo.main] could not connect: ')
    assert f'127.0.0.1:{port}' in text
    assert 'refused' in text
    assert 'secret' not in text


def test_a_server_that_comes_up_late_is_connected_to(
    delivery: Deliver, mongo: Mongo, database: Database[Any]
) -> None:
    mongo.kill()
    later = gevent.spawn_later(0.2, mongo.start)
    one = delivery({'connect_timeout_seconds': '1'}, connect_attempts=50)
    later.get()
    one.submit(1, MongoPayload('rows', {'n': 1}))
    one.settle()
    assert (one.done, one.dead, numbers(database)) == ([1], {}, [1])


# While it runs


def test_only_what_the_server_refuses_is_dead_lettered_and_with_the_reason(
    delivery: Deliver, database: Database[Any]
) -> None:
    database.rows.create_index('u', unique=True)
    database.rows.insert_one({'_id': 'x', 'n': -1, 'u': -1})
    one = delivery()
    for number in range(20):
        unique = -1 if number % 5 == 0 else number
        one.submit(number, MongoPayload('rows', {'_id': number, 'n': number, 'u': unique}))
    one.settle()
    assert sorted(one.done) == list(range(20))
    assert sorted(one.dead) == [0, 5, 10, 15]
    assert all('duplicate key' in error and 'u_1' in error for error in one.dead.values())
    assert sorted(data['n'] for data in one.dead_data) == [0, 5, 10, 15]
    assert numbers(database) == [-1] + [n for n in range(20) if n % 5]


def test_a_server_that_was_killed_and_comes_back(
    delivery: Deliver, mongo: Mongo, database: Database[Any], until: Until
) -> None:
    one = delivery(
        {'connect_timeout_seconds': '1', 'uri': f'mongodb://{mongo.address}/?journal=true'},
        max_retries=1000,
        retry_backoff_max_seconds=0.1,
    )
    one.answer = dk.RETRY
    one.submit(0, MongoPayload('rows', {'n': 0}))
    one.settle()  # SecantusDB does not survive a kill while it creates a collection's file
    for number in range(1, 300):
        one.submit(number, MongoPayload('rows', {'n': number}))
        if number == 100:
            mongo.kill()
        gevent.sleep(0)
    until(lambda: one.failures)
    mongo.start()
    one.settle()
    assert sorted(one.done) == list(range(300))
    assert one.dead == {}
    assert numbers(database) == list(range(300))  # none twice, though none had an _id


def test_a_server_that_was_restarted_in_between_costs_nothing(
    delivery: Deliver, mongo: Mongo, database: Database[Any]
) -> None:
    one = delivery()
    one.submit(1, MongoPayload('rows', {'n': 1}))
    one.settle()
    mongo.restart()
    one.submit(2, MongoPayload('rows', {'n': 2}))
    one.settle()
    assert (one.done, one.dead, numbers(database)) == ([1, 2], {}, [1, 2])


def test_a_write_whose_answer_came_too_late_is_not_done_twice(
    delivery: Deliver, mongo: Mongo, database: Database[Any], until: Until
) -> None:
    one = delivery({'operations': OPERATIONS}, delivery_timeout_seconds=0.8, max_retries=100)
    one.submit(0, MongoPayload('rows', {'n': 0}))
    one.settle()
    one.answer = dk.RETRY
    mongo.pause()
    one.submit(1, MongoPayload('rows', {'n': 1}))
    one.submit(2, MongoPayload('rows', {'_id': 2, 'n': 2}, operation='insert'))
    one.submit(3, MongoPayload('rows', {'_id': 3, 'n': 3}))
    until(lambda: one.failures)
    mongo.resume()  # it does now what it was sent before
    one.settle()
    assert sorted(one.done) == [0, 1, 2, 3]
    assert one.dead == {}
    assert numbers(database) == [0, 1, 2, 3]


def test_an_update_that_adds_up_is_not_tried_again_unasked(
    delivery: Deliver, mongo: Mongo, database: Database[Any], until: Until
) -> None:
    one = delivery({'operations': OPERATIONS}, delivery_timeout_seconds=0.8)
    for number, name in enumerate(('count', 'last')):
        one.submit(number, MongoPayload('h', {'host': name}, operation=name))
    one.settle()
    mongo.pause()
    for number, name in enumerate(('count', 'last'), 2):
        one.submit(number, MongoPayload('h', {'host': name}, operation=name))
    until(lambda: one.failures)
    mongo.resume()
    one.settle()
    assert 2 in one.dead
    assert 'nobody knows' in one.dead[2]
    assert database.h.find_one({'_id': 'count'})['hits'] <= 2


def test_a_silent_server_is_given_up_by_the_sink_itself(make: Make, mongo: Mongo) -> None:
    sink = make(
        socket_timeout_seconds='0.8', operations=OPERATIONS, uri=f'{mongo.dsn}?retryWrites=false'
    )
    mongo.pause()
    with pytest.raises(dk.PartialDeliveryError) as caught:
        sink.deliver(
            [
                MongoPayload('rows', {'n': 1}),
                MongoPayload('other', {'n': 1}),
                MongoPayload('rows', {'host': 1}, operation='count'),
            ]
        )
    kinds = {i: type(error) for i, error in caught.value.failures.items()}
    assert kinds == {0: dk.TransientSinkError, 1: dk.NotWrittenError, 2: dk.SinkError}


def test_a_delivery_that_is_killed_leaves_no_half_connection(
    make: Make, mongo: Mongo, database: Database[Any], until: Until, is_reading: Any
) -> None:
    sink = make()
    sink.deliver([MongoPayload('rows', {'n': 0})])
    mongo.pause()
    lost = gevent.spawn(sink.deliver, [MongoPayload('rows', {'n': 1})])
    until(lambda: is_reading(lost))
    lost.kill()
    mongo.resume()
    sink.deliver([MongoPayload('rows', {'n': 2})])
    assert {0, 2} <= set(numbers(database))


# Commands that fail as a whole, by the fail points of the server


class WithFailPoints(Mongo):
    def command(self) -> list[str]:
        flag = {
            'mongod': ['--setParameter', 'enableTestCommands=1'],
            'secantusdb': ['--enable-test-commands'],
        }
        return [*super().command(), *flag[self.kind]]


@pytest.fixture(scope='module')
def testable(pytestconfig: pytest.Config) -> Iterator[Mongo]:
    with serving(pytestconfig, WithFailPoints) as server:
        yield server


@pytest.fixture
def fail(testable: Mongo) -> Iterator[Callable[..., None]]:
    """Let the server answer write commands with an error, so many times or always."""
    with MongoClient[dict[str, Any]](testable.dsn) as client:

        def set_point(mode: Any, **data: Any) -> None:
            data = {'failCommands': ['insert', 'update'], **data} if data else {}
            client.admin.command({'configureFailPoint': 'failCommand', 'mode': mode, 'data': data})

        yield set_point
        set_point('off')


def outcome(sink: MongoSink, *payloads: MongoPayload) -> dict[int, BaseException]:
    try:
        sink.deliver(payloads)
    except dk.PartialDeliveryError as error:
        return error.failures
    return {}


def rows(count: int) -> list[MongoPayload]:
    return [MongoPayload('rows', {'_id': n, 'n': n}) for n in range(count)]


@pytest.fixture
def on_testable(make: Make, testable: Mongo) -> MongoSink:
    return make(uri=f'{testable.dsn}?retryWrites=false', operations=OPERATIONS)


def test_a_command_refused_because_of_one_payload_is_halved(
    on_testable: MongoSink, fail: Callable[..., None], testable: Mongo
) -> None:
    fail({'times': 3}, errorCode=2)  # all five, the first two, the first
    failures = outcome(on_testable, *rows(5))
    assert list(failures) == [0]
    assert type(failures[0]) is dk.RefusedError
    with MongoClient[dict[str, Any]](testable.dsn) as client:
        database = client[on_testable.options.database]
        assert numbers(database) == [1, 2, 3, 4]


def test_a_collection_one_may_not_write_is_asked_once(
    on_testable: MongoSink, fail: Callable[..., None]
) -> None:
    fail({'times': 1}, errorCode=13)
    failures = outcome(on_testable, *rows(3))
    assert sorted(failures) == [0, 1, 2]
    assert len({id(error) for error in failures.values()}) == 1
    assert type(failures[0]) is dk.RefusedError


@pytest.mark.parametrize(
    'point', [{'errorCode': 91}, {'errorCode': 10107}, {'closeConnection': True}]
)
def test_a_server_that_may_come_round_is_transient(
    on_testable: MongoSink, fail: Callable[..., None], point: dict[str, Any]
) -> None:
    fail('alwaysOn', **point)
    failures = outcome(
        on_testable, *rows(1), MongoPayload('rows', {'host': 'a'}, operation='count')
    )
    assert {i: type(e) for i, e in failures.items()} == {0: dk.TransientSinkError, 1: dk.SinkError}


def test_what_was_not_sent_yet_is_transient_and_not_sent(
    on_testable: MongoSink, fail: Callable[..., None], testable: Mongo
) -> None:
    fail({'times': 1}, closeConnection=True)
    later = MongoPayload('later', {'host': 'a'}, operation='count')
    failures = outcome(on_testable, *rows(1), later)
    assert [type(e) for e in failures.values()] == [dk.TransientSinkError, dk.NotWrittenError]
    with MongoClient[dict[str, Any]](testable.dsn) as client:
        assert client[on_testable.options.database].later.count_documents({}) == 0


def test_too_few_members_is_transient(
    on_testable: MongoSink, fail: Callable[..., None], testable: Mongo
) -> None:
    concern = {'code': 64, 'errmsg': 'waiting for replication timed out'}
    fail('alwaysOn', writeConcernError=concern)
    failures = outcome(on_testable, *rows(2))
    assert [type(error) for error in failures.values()] == [dk.TransientSinkError] * 2
    assert 'replication timed out (code 64)' in str(failures[0])
