from __future__ import annotations

from typing import Any

import pytest

import drakkar.api as dk
from drakkar_sink_postgres import PostgresPayload

BUMP = """
INSERT INTO counts (word, n) VALUES (%(word)s, %(n)s)
ON CONFLICT (word) DO UPDATE SET n = counts.n + EXCLUDED.n;
"""


@pytest.fixture(autouse=True)
def _tables(database: Any) -> None:
    database.execute('CREATE TABLE counts (word text PRIMARY KEY, n int)')
    database.execute('CREATE TABLE log (word text, n int)')


def bump(word: str, n: Any) -> PostgresPayload:
    return PostgresPayload('', {'word': word, 'n': n, 'unused': [1]}, statement='bump')


def test_a_statement_runs_once_for_each_payload(database: Any) -> None:
    sink = database.connected(statements={'bump': BUMP})
    sink.deliver([bump('a', 1), bump("b'", 10), bump('a', 2)])
    assert database.rows('SELECT word, n FROM counts ORDER BY n') == [('a', 3), ("b'", 10)]


def test_it_sees_what_was_before_it_and_nothing_of_what_comes_after(database: Any) -> None:
    sql = 'INSERT INTO counts SELECT %(word)s, count(*) FROM log'
    sink = database.connected(statements={'count': sql})
    count = [PostgresPayload('', {'word': word}, statement='count') for word in 'abc']
    log = PostgresPayload('log', {'n': 1})
    sink.deliver([count[0], log, log, count[1], log, count[2], log])
    assert database.rows('SELECT * FROM counts ORDER BY word') == [('a', 0), ('b', 2), ('c', 3)]


def test_what_it_selects_does_not_matter(database: Any) -> None:
    sink = database.connected(statements={'ask': "SELECT %(x)s, 5 %% 3, 'a;b'"})
    sink.deliver([PostgresPayload('', {'x': {'a': 1}}, statement='ask')])


def test_refused_parameters_are_refused_alone(database: Any) -> None:
    sink = database.connected(statements={'bump': BUMP})
    batch = [bump('a', 1), bump('b', 'many'), PostgresPayload('', {'n': 1}, statement='bump')]
    with pytest.raises(dk.PartialDeliveryError) as caught:
        sink.deliver([*batch, bump('c', 1)])
    assert sorted(caught.value.failures) == [1, 2]
    assert 'needs a field' in str(caught.value.failures[2])
    assert database.column('SELECT word FROM counts ORDER BY word') == ['a', 'c']


@pytest.mark.parametrize(
    ('sql', 'reason'),
    [
        ('INSERT INTO missing VALUES (%(a)s)', 'relation "missing" does not exist'),
        ('INSERT INTO counts (nope) VALUES (%(a)s)', 'column "nope"'),
        ('INSRT INTO counts', 'syntax error'),
        ('SELECT 1; SELECT %(a)s', r'no parameter|parameter \$1'),
        ('COMMIT', 'syntax error'),
        ('DROP TABLE counts', 'syntax error'),
        ('SELECT 1; DROP TABLE counts', 'read-only transaction'),
        ('SELECT %s', '%%'),
        ('SELECT 5 % 3', '%%'),
        ('SELECT %(a)d', '%%'),
        ('', 'syntax error|empty'),
    ],
)
def test_a_mistake_in_a_statement_is_found_at_start(database: Any, sql: str, reason: str) -> None:
    sink = database.sink(statements={'good': BUMP, 'bad': sql})
    with pytest.raises(dk.ConfigError, match=f'statements.bad.*({reason})'):
        sink.connect()
    assert database.column("SELECT count(*) FROM pg_tables WHERE tablename = 'counts'") == [1]


@pytest.mark.parametrize(
    'sql',
    [
        "SELECT jsonb_build_object('a', %(a)s)",
        'SELECT %(a)s',
        'SELECT abs(%(a)s)',
        'INSERT INTO log (n) SELECT %(a)s',
        'WITH x AS (INSERT INTO log (n) VALUES (%(a)s) RETURNING n) INSERT INTO log (n) TABLE x',
    ],
)
def test_types_that_only_the_values_bring_are_no_mistake(database: Any, sql: str) -> None:
    sink = database.connected(statements={'s': sql})
    sink.deliver([PostgresPayload('', {'a': 1}, statement='s')])
    sink.deliver([PostgresPayload('', {'a': 2}, statement='s')])
