"""Inserts and upserts: what arrives, as which type, in which order."""

from __future__ import annotations

import datetime
import decimal
import enum
import time
import uuid
from dataclasses import dataclass
from typing import Any

import gevent
import psycopg2
import pytest
from marshmallow import Schema, fields

import drakkar.api as dk
from drakkar_sink_postgres import PostgresPayload


class Colour(enum.Enum):
    RED = 'red'


class Level(enum.IntEnum):
    HIGH = 3


@dataclass
class Point:
    x: int
    y: int


STAMP = datetime.datetime(2025, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.timezone.utc)
ID = uuid.UUID('12345678-1234-5678-1234-567812345678')


@pytest.mark.parametrize(
    ('kind', 'value', 'found'),
    [
        ('text', 'O\'Neill \\ "x" %s %(a)s ; -- /* Ægir \U0001f409\n', None),
        ('text', '', None),
        ('int', -5, None),
        ('bigint', 2**63 - 1, None),
        ('numeric', 2**70, decimal.Decimal(2**70)),
        ('numeric', decimal.Decimal('-1.50'), None),
        ('float8', -1e-300, None),
        ('float8', float('inf'), None),
        ('boolean', False, None),
        ('text', None, None),
        ('bytea', b'\x00\xff\\', None),
        ('bytea', bytearray(b'\x00a'), b'\x00a'),
        ('timestamptz', STAMP, None),
        ('timestamptz', STAMP.isoformat(), STAMP),
        ('date', datetime.date(2025, 1, 2), None),
        ('time', datetime.time(1, 2, 3), None),
        ('interval', datetime.timedelta(days=1, seconds=2), None),
        ('uuid', ID, str(ID)),
        ('text', ID, str(ID)),
        ('text', Colour.RED, 'red'),
        ('int', Level.HIGH, 3),
        ('jsonb', {'a': [1, None, {'b': "it's \\ \u2028"}]}, None),
        ('json', [1, 'two', {'at': datetime.date(2025, 1, 2)}], [1, 'two', {'at': '2025-01-02'}]),
        ('jsonb', Point(1, 2), {'x': 1, 'y': 2}),
        ('text', {'a': 1}, '{"a":1}'),
        ('int[]', (1, 2, 3), [1, 2, 3]),
        ('text[]', ('a', "b'c"), ['a', "b'c"]),
        ('text[]', (), []),
    ],
)
def test_values_arrive_as_they_were(database: Any, kind: str, value: Any, found: Any) -> None:
    database.execute(f'CREATE TABLE t (v {kind})')
    database.connected().deliver([PostgresPayload('t', {'v': value})])
    (stored,) = database.column('SELECT v FROM t')
    # How the driver reads them is a matter of the process: other libraries register types.
    stored = bytes(stored) if kind == 'bytea' else str(stored) if kind == 'uuid' else stored
    assert stored == (value if found is None else found)


def test_a_schema_and_a_dataclass_give_the_columns(database: Any) -> None:
    class PointSchema(Schema):
        x = fields.Int()
        y = fields.Int(data_key='why')

    database.execute('CREATE TABLE t (x int, y int, why int)')
    sink = database.connected()
    sink.deliver(
        [PostgresPayload('t', Point(1, 2)), PostgresPayload('t', Point(3, 4), schema=PointSchema())]
    )
    assert database.rows('SELECT x, y, why FROM t ORDER BY x') == [(1, 2, None), (3, None, 4)]


def test_names_mean_exactly_themselves(database: Any) -> None:
    database.execute('CREATE SCHEMA "My Schema"')
    database.execute('CREATE TABLE "My Schema"."Ta""ble; DROP" ("Select" int, "per%s" int)')
    row = {'Select': 1, 'per%s': 2}
    database.connected().deliver([PostgresPayload('My Schema.Ta"ble; DROP', row)])
    assert database.rows('TABLE "My Schema"."Ta""ble; DROP"') == [(1, 2)]


def test_a_table_is_one_insert_for_each_set_of_columns(database: Any) -> None:
    database.execute('CREATE TABLE t (a int, b int)')
    database.execute('CREATE TABLE u (a int)')
    database.execute('CREATE TABLE statements (n serial, about text)')
    database.execute(
        'CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN '
        'INSERT INTO statements (about) VALUES (TG_TABLE_NAME || txid_current()); '
        'RETURN NULL; END $$'
    )
    for table in 'tu':
        database.execute(
            f'CREATE TRIGGER note AFTER INSERT ON {table} '
            'FOR EACH STATEMENT EXECUTE FUNCTION note()'
        )
    batch = [
        PostgresPayload('t', {'a': 1, 'b': 2}),
        PostgresPayload('u', {'a': 3}),
        PostgresPayload('t', {'b': 5, 'a': 4}),
        PostgresPayload('t', {'a': 6}),
        PostgresPayload('u', {'a': 7}),
    ]
    database.connected().deliver(batch)
    assert database.rows('SELECT a, b FROM t ORDER BY a') == [(1, 2), (4, 5), (6, None)]
    about = database.column('SELECT about FROM statements ORDER BY n')
    assert [text[0] for text in about] == ['t', 'u', 't']
    assert len({text[1:] for text in about}) == 1, 'not one transaction'


def test_many_sets_of_columns_do_not_add_up(database: Any) -> None:
    columns = [f'c{n}' for n in range(50)]
    database.execute(f'CREATE TABLE t ({", ".join(f"{c} int" for c in columns)})')
    sink = database.connected()
    sink._shapes.limit = 10
    sink.deliver([PostgresPayload('t', {c: 1}) for c in columns])
    assert database.column('SELECT count(*) FROM t') == [50]
    assert len(sink._shapes._inserts) <= 10


# Upserts


@pytest.fixture
def table(database: Any) -> None:
    database.execute('CREATE TABLE t (k int, part text, a int, b int, UNIQUE (k, part))')


def row(k: Any, **data: Any) -> PostgresPayload:
    return PostgresPayload('t', {'k': k, 'part': 'p', **data})


def test_an_upsert_updates_the_other_columns(database: Any, table: None) -> None:
    sink = database.connected(on_conflict='k, part')
    sink.deliver([row(1, a=1, b=1), row(2, a=2)])
    sink.deliver([row(1, a=9), row(3, a=3)])
    found = database.rows('SELECT k, a, b FROM t ORDER BY k')
    assert found == [(1, 9, 1), (2, 2, None), (3, 3, None)]


@pytest.mark.parametrize(
    ('batch', 'left'),
    [
        ([{'a': 1}, {'a': 2}, {'a': 3}], (3, None)),
        ([{'a': 1, 'b': 1}, {'a': 2}, {'b': 3}], (2, 3)),
        # Grouped by columns without a look at the keys, the second would be written last.
        ([{'a': 1, 'b': 1}, {'a': 2}, {'a': 3, 'b': 3}], (3, 3)),
        ([{'a': 1}, {'b': 1}, {'a': 2}, {'b': 2}, {'a': 3, 'b': 3}, {'a': 4}], (4, 3)),
    ],
)
def test_the_last_of_a_key_wins(
    database: Any,
    table: None,
    monkeypatch: pytest.MonkeyPatch,
    batch: list[dict[str, int]],
    left: tuple[Any, Any],
) -> None:
    def refused(*args: Any) -> None:
        pytest.fail('the database saw a row twice in one statement')

    monkeypatch.setattr('drakkar_sink_postgres.sink.isolate', refused)
    others = [row(n, a=n) for n in (10, 11)]
    payloads = [others[0], *(row(1, **data) for data in batch), others[1]]
    database.connected(on_conflict='k,part').deliver(payloads)
    assert database.rows('SELECT a, b FROM t WHERE k = 1') == [left]
    assert database.column('SELECT k FROM t ORDER BY k') == [1, 10, 11]


def test_with_nothing_the_first_of_a_key_stays(database: Any, table: None) -> None:
    sink = database.connected(on_conflict='k,part', on_conflict_action='nothing')
    sink.deliver([row(1, a=1), row(2, b=2), row(1, a=3), row(2, a=4), row(2, b=5)])
    sink.deliver([row(1, a=6)])
    assert database.rows('SELECT k, a, b FROM t ORDER BY k') == [(1, 1, None), (2, None, 2)]


def test_keys_that_only_the_database_finds_equal_are_no_obstacle(
    database: Any, table: None
) -> None:
    sink = database.connected(on_conflict='k,part')
    with pytest.raises(dk.PartialDeliveryError) as caught:
        sink.deliver([row('1', a=1), row(1, a=2), row('x', a=3), row('01', a=4)])
    assert list(caught.value.failures) == [2]
    assert database.rows('SELECT k, a FROM t') == [(1, 4)]


def test_null_is_equal_to_nothing(database: Any, table: None) -> None:
    database.connected(on_conflict='k,part').deliver([row(None, a=1), row(None, a=2)])
    assert database.column('SELECT a FROM t ORDER BY a') == [1, 2]


def test_an_upsert_of_nothing_but_its_key_is_fine(database: Any, table: None) -> None:
    sink = database.connected(on_conflict='k,part')
    sink.deliver([row(1), row(1)])
    sink.deliver([row(1)])
    assert database.column('SELECT count(*) FROM t') == [1]


@pytest.mark.parametrize(
    ('options', 'idempotent'),
    [
        ({}, False),
        ({'on_conflict': 'k'}, True),
        ({'on_conflict': 'k', 'on_conflict_action': 'nothing'}, True),
        ({'on_conflict': 'k', 'statements': {'s': 'SELECT 1'}}, False),
        ({'idempotent': 'true', 'statements': {'s': 'SELECT 1'}}, True),
    ],
)
def test_what_is_idempotent(database: Any, options: dict[str, Any], idempotent: bool) -> None:
    assert database.sink(**options).idempotent is idempotent


# Size


def test_a_batch_larger_than_one_message_is_one_transaction(
    database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('drakkar_sink_postgres.shapes.MAX_BYTES', 3000)
    monkeypatch.setattr('drakkar_sink_postgres.transaction.MAX_BYTES', 3000)
    database.execute('CREATE TABLE t (n int, text text, x text DEFAULT txid_current()::text)')
    batch = [PostgresPayload('t', {'n': n, 'text': 'y' * 500}) for n in range(50)]
    database.connected().deliver([*batch, PostgresPayload('t', {'n': 50})])
    assert database.rows('SELECT count(*), count(DISTINCT x), sum(n) FROM t') == [(51, 1, 1275)]


def test_large_values_arrive(database: Any) -> None:
    database.execute('CREATE TABLE t (v text)')
    database.connected().deliver([PostgresPayload('t', {'v': 'y' * 1_000_000}) for _ in range(20)])
    assert database.rows('SELECT count(*), min(length(v)) FROM t') == [(20, 1_000_000)]


def test_20000_rows_take_no_time_and_leave_the_hub_alone(database: Any) -> None:
    database.execute('CREATE TABLE t (n int, text text)')
    sink = database.connected()
    gaps: list[float] = []

    def watch() -> None:
        last = time.perf_counter()
        while True:
            gevent.sleep(0.001)
            now = time.perf_counter()
            gaps.append(now - last)
            last = now

    watcher = gevent.spawn(watch)
    started = time.perf_counter()
    for start in range(0, 20_000, 500):
        sink.deliver([PostgresPayload('t', {'n': start + n, 'text': 'x'}) for n in range(500)])
    seconds = time.perf_counter() - started
    watcher.kill()
    assert database.column('SELECT count(*) FROM t') == [20_000]
    assert seconds < 5  # some 0.2
    assert max(gaps) < 0.5


# For hooks


def test_a_hook_borrows_a_connection(database: Any) -> None:
    database.execute('CREATE TABLE t (n int)')
    sink = database.connected()
    with sink.connection() as connection, connection.cursor() as cursor:
        cursor.execute('INSERT INTO t VALUES (1) RETURNING n')
        assert cursor.fetchall() == [(1,)]
    both = 'INSERT INTO t VALUES (2); SELECT * FROM missing'
    with pytest.raises(psycopg2.errors.UndefinedTable), sink.connection() as connection:
        connection.cursor().execute(both)
    assert database.column('SELECT n FROM t') == [1]
    sink.deliver([PostgresPayload('t', {'n': 3})])
    assert database.column('SELECT n FROM t ORDER BY n') == [1, 3]
    assert database.connections() == 1, 'an error of the hook costs no connection'
