"""A server that goes away, hangs, comes back, or has no time now."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gevent
import psycopg2
import pytest

import drakkar.api as dk
from drakkar.delivery.attempt import Attempt
from drakkar_sink_postgres import PostgresPayload
from integration.servers.postgres import Postgres

Deliver = Callable[..., Any]
Until = Callable[..., None]


@pytest.fixture(autouse=True)
def _table(database: Any) -> None:
    database.execute('CREATE TABLE t (n int)')


def rows(*numbers: Any) -> list[PostgresPayload]:
    return [PostgresPayload('t', {'n': n}) for n in numbers]


def trigger(database: Any, body: str, when: str = 'BEFORE INSERT') -> None:
    """Run PL/pgSQL for each row of `t`."""
    database.execute(
        f'CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS '
        f'$$ BEGIN {body}; RETURN NEW; END $$'
    )
    kind = 'CONSTRAINT TRIGGER' if 'DEFERRED' in when else 'TRIGGER'
    database.execute(f'CREATE {kind} look {when} FOR EACH ROW EXECUTE FUNCTION look()')


@contextmanager
def locked(database: Any) -> Iterator[None]:
    """Hold the table, so that whoever inserts waits."""
    connection = psycopg2.connect(database.dsn)
    try:
        connection.cursor().execute('LOCK TABLE t')
        yield
    finally:
        connection.close()


def waiting(database: Any) -> int:
    """How many backends of the sink wait for a lock."""
    return database.rows(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
        "AND application_name LIKE 'drakkar %'"
    )[0][0]


END_ALL = (
    'SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity '
    "WHERE application_name LIKE 'drakkar %'"
)


# A connection that is gone, when nothing was written


def test_a_restart_between_two_batches_is_not_noticed(
    database: Any, postgres: Postgres, delivery: Deliver
) -> None:
    run = delivery(database.sink())
    run.submit(1, *rows(1))
    run.settle()
    postgres.restart()
    run.submit(2, *rows(2))
    run.settle()
    assert run.failures == []
    assert database.column('SELECT n FROM t') == [1, 2]


def test_a_connection_that_breaks_before_the_commit_costs_nothing(
    database: Any, delivery: Deliver, until: Until
) -> None:
    run = delivery(database.sink())
    with locked(database):
        run.submit(1, *rows(1, 2))
        until(lambda: waiting(database))
        database.execute(END_ALL)
        until(lambda: waiting(database))
    run.settle()
    assert run.failures == []
    assert database.column('SELECT n FROM t') == [1, 2]


def test_a_collision_is_repeated_at_once(database: Any, delivery: Deliver) -> None:
    database.execute('CREATE SEQUENCE tries')
    body = "IF nextval('tries') < 4 THEN RAISE serialization_failure; END IF"
    trigger(database, body, 'BEFORE INSERT ON t')
    run = delivery(database.sink())
    run.submit(1, *rows(1))
    run.settle()
    assert run.failures == []
    assert database.column('SELECT n FROM t') == [1]


# The server is away


def test_a_killed_server_comes_back_and_every_row_is_there_once(
    database: Any, postgres: Postgres, delivery: Deliver, until: Until
) -> None:
    run = delivery(database.sink(), max_retries=100, retry_backoff_max_seconds=0.2)
    run.answer = dk.RETRY
    with locked(database):
        for n in range(50):
            run.submit(n, *rows(n))
        until(lambda: waiting(database))
        postgres.kill()
    until(lambda: run.failures)
    assert not run.failures[0].refused
    postgres.start()
    run.settle()
    assert run.dead == {}
    assert database.column('SELECT n FROM t ORDER BY n') == list(range(50))


def test_an_insert_that_found_no_server_is_repeated_by_delivery(
    database: Any, postgres: Postgres
) -> None:
    sink = database.connected()
    assert not sink.idempotent
    postgres.stop()
    assert Attempt(sink, 30, lambda _: postgres.start()).run(rows(1, 2), 1) == {}
    assert database.column('SELECT n FROM t ORDER BY n') == [1, 2]


def test_a_server_that_is_away_at_start_is_named_by_its_section(
    database: Any, postgres: Postgres, delivery: Deliver
) -> None:
    postgres.stop()
    with pytest.raises(dk.ConnectError, match=r'\[sinks.postgres.main\] .*127.0.0.1.* refused'):
        delivery(database.sink(), connect_attempts=2)


# The server hangs


def test_a_frozen_server_is_given_up_in_time(
    database: Any, postgres: Postgres, delivery: Deliver, until: Until
) -> None:
    options = {'query_timeout_seconds': 0.8, 'connect_timeout_seconds': 0.8}
    run = delivery(database.sink(**options), max_retries=100, retry_backoff_max_seconds=0.2)
    run.submit(0, *rows(0))
    run.settle()
    run.answer = dk.RETRY
    postgres.pause()
    started = time.monotonic()
    run.submit(1, *rows(1))
    until(lambda: run.failures)
    assert 0.5 < time.monotonic() - started < 8
    assert 'no answer within 0.8 seconds' in str(run.failures[0].exception)
    until(lambda: len(run.failures) > 1)
    assert '127.0.0.1: no answer within 0.8 seconds' in str(run.failures[1].exception)
    postgres.resume()
    run.settle()
    assert database.column('SELECT n FROM t') == [0, 1]


def test_a_delivery_that_took_too_long_leaves_no_connection_and_no_rows(
    database: Any, delivery: Deliver, until: Until
) -> None:
    run = delivery(database.sink(), delivery_timeout_seconds=0.8)
    with locked(database):
        run.submit(1, *rows(1))
        until(lambda: run.dead)
        assert 'no answer within 0.8 seconds' in run.dead[1]
    until(lambda: database.connections() == 0)
    run.submit(2, *rows(2))
    run.settle()
    assert database.column('SELECT n FROM t') == [2]
    assert database.connections() == 1


def test_a_commit_without_an_answer_is_not_repeated(
    database: Any, delivery: Deliver, until: Until
) -> None:
    database.execute('CREATE SEQUENCE tries')
    body = "PERFORM nextval('tries'); PERFORM pg_sleep(60)"
    trigger(database, body, 'AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED')
    run = delivery(database.sink())
    run.submit(1, *rows(1))
    until(lambda: database.column('SELECT is_called FROM tries') == [True])
    database.execute(END_ALL)
    run.settle()
    assert list(run.dead) == [1]
    assert not isinstance(run.failures[0].exception, dk.NotWrittenError)
    assert database.column('SELECT last_value FROM tries') == [1]


@pytest.mark.parametrize(('code', 'sure'), [('40001', True), ('53100', False), ('57P01', False)])
def test_of_the_answers_to_a_commit_only_a_collision_is_sure(
    database: Any, code: str, sure: bool
) -> None:
    body = f"RAISE 'no' USING ERRCODE = '{code}'"
    trigger(database, body, 'AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED')
    with pytest.raises(dk.TransientSinkError, match='no') as caught:
        database.connected().deliver(rows(1))
    assert isinstance(caught.value, dk.NotWrittenError) is sure


def test_when_it_goes_away_while_the_guilty_are_sought_the_rest_is_known(database: Any) -> None:
    body = 'IF NEW.n = 6 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF'
    trigger(database, body, 'BEFORE INSERT ON t')
    sink = database.connected()
    numbers = [*range(3), 'three', *range(4, 16)]
    with pytest.raises(dk.PartialDeliveryError) as caught:
        sink.deliver(rows(*numbers))
    failures = caught.value.failures
    assert isinstance(failures.pop(3), dk.RefusedError)
    assert all(isinstance(error, dk.TransientSinkError) for error in failures.values())
    assert database.column('SELECT n FROM t ORDER BY n') == [0, 1, 2]
    assert sorted(failures) == list(range(4, 16))


# The server has no time now, or never will


@pytest.mark.parametrize(
    ('code', 'transient'),
    [
        ('08006', True),
        ('25006', True),
        ('40P01', True),
        ('53100', True),
        ('53300', True),
        ('55P03', True),
        ('57014', True),
        ('57P01', True),
        ('58030', True),
        ('22003', False),
        ('23505', False),
        ('40002', False),
        ('42501', False),
        ('55000', False),
        ('P0001', False),
        ('XX000', False),
        ('ZZ999', False),
    ],
)
def test_errors_are_told_apart_by_their_code(database: Any, code: str, transient: bool) -> None:
    trigger(database, f"RAISE 'said no' USING ERRCODE = '{code}'", 'BEFORE INSERT ON t')
    sink = database.connected()
    with pytest.raises(dk.TransientSinkError if transient else dk.RefusedError) as caught:
        sink.deliver(rows(1))
    assert f'said no (code {code}' in str(caught.value)


def test_a_server_that_only_reads_may_be_replaced_by_one_that_writes(
    database: Any, postgres: Postgres, delivery: Deliver, until: Until
) -> None:
    name = database.column('SELECT current_database()')[0]
    database.execute(f'ALTER DATABASE {name} SET default_transaction_read_only = on')
    try:
        run = delivery(database.sink(), max_retries=100, retry_backoff_max_seconds=0.2)
        run.answer = dk.RETRY
        run.submit(1, *rows(1))
        until(lambda: run.failures)
    finally:
        postgres.execute(f'ALTER DATABASE {name} RESET ALL')
    run.settle()
    assert database.column('SELECT n FROM t') == [1]


# Connections


def test_deliveries_wait_for_a_connection_but_not_for_ever(database: Any, until: Until) -> None:
    sink = database.connected(pool_max=1, query_timeout_seconds=0.8)
    with sink.connection():
        with pytest.raises(dk.TransientSinkError, match='all 1 connections were in use'):
            sink.deliver(rows(1))
        late = gevent.spawn(sink.deliver, rows(2))
        gevent.sleep(0)
    late.get(timeout=5)
    assert database.column('SELECT n FROM t') == [2]


def test_the_pool_has_its_bounds(database: Any, until: Until) -> None:
    sink = database.connected(pool_min=2, pool_max=3)
    assert database.connections() == 2
    seen: list[int] = []

    def work() -> None:
        with sink.connection() as connection:
            connection.cursor().execute('SELECT pg_sleep(0.02)')
            seen.append(database.connections())

    gevent.joinall([gevent.spawn(work) for _ in range(12)], raise_error=True)
    assert len(seen) == 12
    assert max(seen) == 3
    sink.close()
    until(lambda: database.connections() == 0)


def test_idle_connections_are_closed_in_the_end(
    database: Any, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    monkeypatch.setattr('drakkar_sink_postgres.pool.IDLE_SECONDS', 0.05)
    sink = database.connected(pool_min=1, pool_max=5)
    with sink.connection(), sink.connection(), sink.connection():
        assert database.connections() == 3

    def used_and_closed() -> bool:
        with sink.connection():
            pass
        return database.connections() == 1

    until(used_and_closed)


def test_who_is_killed_in_a_query_takes_the_connection_along(database: Any, until: Until) -> None:
    sink = database.connected(pool_max=1)

    def work() -> None:
        with sink.connection() as connection:
            connection.cursor().execute('SELECT pg_sleep(60)')

    sleeper = gevent.spawn(work)
    until(lambda: database.column("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"))
    sleeper.kill()
    sink.deliver(rows(1))
    assert database.column('SELECT n FROM t') == [1]


def test_a_connection_in_use_at_the_end_is_closed_when_it_comes_back(
    database: Any, until: Until
) -> None:
    sink = database.connected()
    with sink.connection():
        sink.close()
    until(lambda: database.connections() == 0)
