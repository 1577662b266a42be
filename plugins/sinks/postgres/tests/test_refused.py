"""What the database refuses goes to the dead letter queue, alone, with the reason."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

import drakkar.api as dk
from drakkar_sink_postgres import PostgresPayload

TABLE = """
CREATE TABLE t (
    n int PRIMARY KEY,
    name varchar(5) NOT NULL DEFAULT 'x',
    small smallint,
    day date,
    doc jsonb,
    parent int REFERENCES t (n) DEFERRABLE INITIALLY DEFERRED,
    positive int CONSTRAINT is_positive CHECK (positive > 0)
)
"""

Deliver = Callable[..., Any]


def bad(**data: Any) -> Callable[[int], PostgresPayload]:
    return lambda n: PostgresPayload('t', {'n': n, **data})


def other(table: Any, data: Any = None) -> Callable[[int], PostgresPayload]:
    return lambda n: PostgresPayload(table, {'n': n} if data is None else data)


@pytest.mark.parametrize(
    ('make', 'reason'),
    [
        (other('missing'), r'relation "missing" does not exist .*42P01 UndefinedTable'),
        (other('nowhere.t'), r'relation "nowhere.t" does not exist'),
        (bad(missing=1), r'column "missing" of relation "t" does not exist'),
        (bad(small='many'), r'invalid input syntax for type smallint: "many" .*22P02'),
        (bad(small=100_000), r'smallint out of range .*22003'),
        (bad(small=True), r'column "small" is of type smallint but expression is of type boolean'),
        (bad(day='2025-02-30'), r'date/time field value out of range: "2025-02-30"'),
        (bad(name=None), r'null value in column "name" .*table public.t, column name, code 23502'),
        (bad(name='too long'), r'value too long for type character varying\(5\)'),
        (bad(positive=-1), r'table public.t, constraint is_positive, code 23514 CheckViolation'),
        (bad(parent=12345), r'Key \(parent\)=\(12345\) is not present .*constraint t_parent_fkey'),
        (bad(doc={'nul': '\0'}), r'unsupported Unicode escape sequence'),
        (bad(name='a\0b'), r'no NUL character'),
        (bad(name=b'a\0b'), r'bytea|value too long'),
        (bad(name='\ud800'), r'surrogates not allowed'),
        (bad(name=object()), r"can't adapt type 'object'"),
        (bad(doc={'a': object()}), r'can not be written as JSON'),
        (bad(small=10**5000), r'digits|out of range'),
        (lambda n: PostgresPayload('t', {'n': 1}), r'duplicate key .*Key \(n\)=\(1\) already'),
        (lambda n: PostgresPayload('t', {}), 'without columns'),
        (lambda n: PostgresPayload('t', [n]), 'data is a list, not a mapping'),
        (lambda n: PostgresPayload('t', {'n': n, 5: 1}), '5 is not the name'),
        (lambda n: PostgresPayload('t', {'n': n, 'a\0': 1}), 'is not the name'),
        (lambda n: PostgresPayload('t', {'n': n, 'c' * 64: 1}), 'longer than the 63 bytes'),
        (other(''), 'is not the name'),
        (other(None), 'neither a table'),
        (other('a.b.t'), 'neither a table'),
        (other('.t'), 'is not the name'),
        (other('t' * 64), 'longer than'),
        (lambda n: PostgresPayload('t', {'n': n}, statement='x'), "no statement 'x'"),
    ],
)
def test_only_the_refused_row_is_dead(
    database: Any, delivery: Deliver, make: Callable[[int], PostgresPayload], reason: str
) -> None:
    database.execute(TABLE)
    database.execute('INSERT INTO t (n) VALUES (1)')
    run = delivery(database.sink())
    good = [n for n in range(100, 120) if n != 107]
    for n in range(100, 120):
        run.submit(n, PostgresPayload('t', {'n': n}) if n in good else make(n))
    run.settle()
    assert list(run.dead) == [107]
    assert 'Refus' in run.dead[107]
    assert re.search(reason, run.dead[107])
    assert sorted(run.done) == list(range(100, 120))
    assert database.column('SELECT n FROM t ORDER BY n') == [1, *good]
    assert [f.refused for f in run.failures] == [True]


def test_many_refused_rows_among_many(database: Any, delivery: Deliver) -> None:
    database.execute(TABLE)
    run = delivery(database.sink())
    dead = set(range(0, 1000, 37))
    for n in range(1000):
        run.submit(n, PostgresPayload('t', {'n': n, 'positive': -1 if n in dead else 1}))
    run.settle()
    assert set(run.dead) == dead
    assert database.column('SELECT count(*) FROM t') == [1000 - len(dead)]


def test_a_row_that_needs_an_earlier_one_is_not_refused_with_it(
    database: Any, delivery: Deliver
) -> None:
    database.execute('CREATE TABLE parents (n int PRIMARY KEY)')
    database.execute('CREATE TABLE children (n int, parent int REFERENCES parents)')
    run = delivery(database.sink())
    parent = [PostgresPayload('parents', {'n': n}) for n in range(3)]
    child = [PostgresPayload('children', {'n': n, 'parent': n}) for n in range(4)]
    run.submit(0, parent[0], child[0])
    run.submit(1, child[3])
    run.submit(2, child[0], parent[1], child[1], parent[2], child[2])
    run.settle()
    assert list(run.dead) == [1]
    assert database.column('SELECT parent FROM children ORDER BY 1') == [0, 0, 1, 2]


def statements_sent(sink: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note the number of rows of every transaction."""
    sizes: list[int] = []
    real = sink._write

    def write(rows: Any) -> None:
        sizes.append(len(rows))
        real(rows)

    monkeypatch.setattr(sink, '_write', write)
    return sizes


def test_a_missing_table_is_found_missing_once(
    database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.execute('CREATE TABLE t (n int)')
    sink = database.connected()
    sizes = statements_sent(sink, monkeypatch)
    with pytest.raises(dk.PartialDeliveryError) as caught:
        sink.deliver([PostgresPayload('missing', {'n': n}) for n in range(500)])
    assert len(caught.value.failures) == 500
    assert sizes == [500]
    sizes.clear()
    with pytest.raises(dk.PartialDeliveryError) as caught:
        sink.deliver([PostgresPayload('t' if n % 2 else 'missing', {'n': n}) for n in range(500)])
    assert sorted(caught.value.failures) == list(range(0, 500, 2))
    assert len(sizes) < 25
    assert database.column('SELECT count(*) FROM t') == [250]


def test_an_error_of_a_trigger_is_about_its_row_only(database: Any) -> None:
    database.execute('CREATE TABLE t (n int)')
    database.execute(
        'CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN '
        "IF NEW.n = 3 THEN EXECUTE 'SELECT * FROM missing'; END IF; RETURN NEW; END $$"
    )
    database.execute('CREATE TRIGGER look BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION look()')
    with pytest.raises(dk.PartialDeliveryError) as caught:
        database.connected().deliver([PostgresPayload('t', {'n': n}) for n in range(8)])
    assert list(caught.value.failures) == [3]
    assert 'PL/pgSQL function look()' in str(caught.value.failures[3])


def test_an_upsert_without_such_a_key_is_refused(database: Any) -> None:
    database.execute('CREATE TABLE t (n int)')
    with pytest.raises(dk.RefusedError, match='no unique or exclusion constraint'):
        database.connected(on_conflict='n').deliver([PostgresPayload('t', {'n': 1})])


def test_on_retry_the_rows_that_are_safe_are_not_written_again(
    database: Any, delivery: Deliver
) -> None:
    database.execute('CREATE TABLE t (n int)')
    run = delivery(database.sink())
    run.answer = dk.RETRY
    for n in range(20):
        run.submit(n, PostgresPayload('t', {'n': n if n != 7 else 'seven'}))
    run.settle()
    assert list(run.dead) == [7]
    assert database.column('SELECT n FROM t ORDER BY n') == [n for n in range(20) if n != 7]


def test_a_text_can_not_break_out(database: Any) -> None:
    database.execute('CREATE TABLE t (a text, b text)')
    texts = [
        "'",
        "\\'",
        '\\',
        "''",
        "'); DROP TABLE t; --",
        '$$',
        "E'\\''",
        '%',
        '%s',
        '\x1b',
        "é'",
    ]
    sink = database.connected()
    sink.deliver([PostgresPayload('t', {'a': text, 'b': 'end'}) for text in texts])
    assert database.rows('SELECT a, b FROM t') == [(text, 'end') for text in texts]


def test_a_server_that_reads_texts_in_the_old_way_is_no_server_for_us(database: Any) -> None:
    dsn = f'{database.dsn}?options=-c%20standard_conforming_strings%3Doff'
    with pytest.raises(dk.ConfigError, match='standard_conforming_strings'):
        database.connected(dsn=dsn)
