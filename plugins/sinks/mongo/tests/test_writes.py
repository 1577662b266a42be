from __future__ import annotations

import contextlib
import dataclasses
import datetime
import decimal
import enum
import uuid
from collections.abc import Callable
from typing import Any

import bson
import pytest
from bson.binary import Binary
from bson.decimal128 import Decimal128
from pymongo.database import Database

import drakkar.api as dk
from drakkar_sink_mongo import MongoPayload
from drakkar_sink_mongo.sink import MongoSink

Make = Callable[..., MongoSink]

COUNT = '{"filter": {"_id": ":host"}, "update": {"$inc": {"hits": 1}, "$set": {"last": ":at"}}}'


def failures_of(sink: MongoSink, *payloads: MongoPayload) -> dict[int, BaseException]:
    with pytest.raises(dk.PartialDeliveryError) as caught:
        sink.deliver(payloads)
    return caught.value.failures


def test_an_id_replaces_or_adds(make: Make, database: Database[Any]) -> None:
    database.rows.insert_one({'_id': 1, 'old': True})
    make().deliver([MongoPayload('rows', {'n': n, '_id': n}) for n in (1, 2)])
    assert list(database.rows.find()) == [{'_id': 1, 'n': 1}, {'_id': 2, 'n': 2}]


def test_a_payload_without_an_id_is_there_once_however_often_it_is_sent(
    make: Make, database: Database[Any]
) -> None:
    sink = make()
    payload = MongoPayload('rows', {'n': 1})
    sink.deliver([payload])
    sink.deliver([payload, MongoPayload('rows', {'n': 2})])
    assert sorted(row['n'] for row in database.rows.find()) == [1, 2]
    assert payload == MongoPayload('rows', {'n': 1})
    assert payload.data == {'n': 1}
    assert payload.describe() == {
        'sink_type': 'mongo',
        'sink': '',
        'collection': 'rows',
        'operation': '',
        'data': {'n': 1},
    }


def test_an_insert_never_replaces_but_knows_its_own_document(
    make: Make, database: Database[Any]
) -> None:
    database.rows.insert_one({'_id': 1, 'n': 'another'})
    sink = make()
    payloads = [MongoPayload('rows', {'n': n, '_id': n}, operation='insert') for n in (1, 2)]
    for _ in range(2):
        failures = failures_of(sink, *payloads)
        assert list(failures) == [0]
        assert type(failures[0]) is dk.RefusedError
        assert 'duplicate key' in str(failures[0])
    rows = list(database.rows.find())
    assert rows == [{'_id': 1, 'n': 'another'}, {'_id': 2, 'n': 2}]


def test_another_unique_index_refuses_alone(make: Make, database: Database[Any]) -> None:
    database.rows.create_index('u', unique=True)
    database.rows.insert_one({'u': 0})
    payloads = [MongoPayload('rows', {'_id': n, 'u': n % 3}) for n in range(3)]
    failures = failures_of(make(), *payloads, MongoPayload('rows', {'u': 0}))
    assert sorted(failures) == [0, 3]
    assert all('u_1' in str(error) for error in failures.values())
    assert all(type(error) is dk.RefusedError for error in failures.values())
    assert database.rows.count_documents({}) == 3


def test_a_named_update_takes_its_values_from_the_payload(
    make: Make, database: Database[Any]
) -> None:
    sink = make(operations={'count': COUNT})
    data = [('a', 1), ('b', 2), ('a', 3)]
    sink.deliver([MongoPayload('h', {'host': h, 'at': at}, operation='count') for h, at in data])
    rows = list(database.h.find())
    assert rows == [{'_id': 'a', 'hits': 2, 'last': 3}, {'_id': 'b', 'hits': 1, 'last': 2}]


def test_an_update_without_upsert_adds_nothing(make: Make, database: Database[Any]) -> None:
    text = '{"filter": {"_id": ":id"}, "update": {"$set": {"n": 1}}, "upsert": false}'
    make(operations={'touch': text}).deliver([MongoPayload('h', {'id': 1}, operation='touch')])
    assert list(database.h.find()) == []


def test_one_batch_may_have_several_collections(make: Make, database: Database[Any]) -> None:
    make().deliver([MongoPayload(f'c{n % 2}', {'_id': n}) for n in range(5)])
    assert [row['_id'] for row in database.c0.find()] == [0, 2, 4]
    assert [row['_id'] for row in database.c1.find()] == [1, 3]


class Colour(enum.Enum):
    RED = 'red'


@dataclasses.dataclass
class Point:
    x: int


def test_types_of_bson_are_kept_and_others_become_them(make: Make, database: Database[Any]) -> None:
    now = datetime.datetime(2025, 1, 2, 3, 4, 5)
    number = uuid.uuid4()
    data = {
        '_id': 1,
        'when': now,
        'raw': b'\xff',
        'oid': bson.ObjectId(b'x' * 12),
        'money': decimal.Decimal('1.10'),
        'uuid': number,
        'set': {1},
        'tuple': (1, 2),
        'colour': Colour.RED,
        'point': Point(1),
        'day': now.date(),
    }
    make().deliver([MongoPayload('rows', data)])
    assert database.rows.find_one() == {
        **data,
        'money': Decimal128('1.10'),
        'uuid': Binary.from_uuid(number),
        'set': [1],
        'tuple': [1, 2],
        'colour': 'red',
        'point': {'x': 1},
        'day': '2025-01-02',
    }


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ('payload', 'reason'),
    [
        (MongoPayload('rows', {'x': object()}), 'no form in BSON'),
        (MongoPayload('rows', {1: 'x'}), 'no form in BSON'),
        (MongoPayload('rows', {'x': 1 << 64}), 'no form in BSON'),
        (MongoPayload('rows', {'x': nested(3000)}), 'no form in BSON'),
        (MongoPayload('rows', [1]), 'must be a mapping'),
        (MongoPayload('rows', {'x': 'x' * (17 << 20)}), 'the most is 16777216'),
        (
            MongoPayload('rows', {'n': 1}, operation='cuont'),
            'known: count, insert',
        ),
        (MongoPayload('rows', {'at': 1}, operation='count'), "no 'host'"),
        (MongoPayload('rows', {'host': 'text', 'at': 1}, operation='count'), 'Cannot'),
        (MongoPayload('', {'n': 1}), "collection ''"),
        (MongoPayload('a$b', {'n': 1}), "collection 'a$b'"),
        (MongoPayload('a..b', {'n': 1}), "collection 'a..b'"),
        (MongoPayload(None, {'n': 1}), 'must be a text'),  # type: ignore[arg-type]
    ],
)
def test_what_is_refused_is_refused_alone(
    make: Make, database: Database[Any], payload: MongoPayload, reason: str
) -> None:
    database.rows.insert_one({'_id': 'text', 'hits': 'many'})
    batch = [MongoPayload('rows', {'_id': 1}), payload, MongoPayload('rows', {'_id': 2})]
    failures = failures_of(make(operations={'count': COUNT}), *batch)
    assert list(failures) == [1]
    assert type(failures[1]) is dk.RefusedError
    assert reason in str(failures[1])
    rows = list(database.rows.find())
    assert rows == [{'_id': 'text', 'hits': 'many'}, {'_id': 1}, {'_id': 2}]


def test_a_schema_of_the_collection_refuses_with_its_reason(
    make: Make, database: Database[Any]
) -> None:
    database.create_collection('strict', validator={'$jsonSchema': {'required': ['n']}})
    payloads = [MongoPayload('strict', {'_id': n, **({'n': n} if n else {})}) for n in range(3)]
    failures = failures_of(make(), *payloads)
    assert list(failures) == [0]
    assert 'failed validation (code 121)' in str(failures[0])
    assert [row['_id'] for row in database.strict.find()] == [1, 2]


def test_an_id_is_never_a_condition(make: Make, database: Database[Any]) -> None:
    database.rows.insert_one({'_id': 1})
    # MongoDB refuses such an _id; no server may take it for "any document".
    with contextlib.suppress(dk.PartialDeliveryError):
        make().deliver([MongoPayload('rows', {'_id': {'$gt': 0}, 'n': 'replaced'})])
    assert database.rows.find_one({'_id': 1}) == {'_id': 1}


def test_fields_may_have_any_names(make: Make, database: Database[Any]) -> None:
    data = {'_id': 1, 'a.b': 1, 'x': {'$y': 1}, '': 1}
    make().deliver([MongoPayload('rows', data)])
    assert database.rows.find_one() == data
