"""The PostgreSQL server: its data outlives a stop and a kill, each test has its own database."""

from __future__ import annotations

import contextlib

import psycopg2
import pytest


def query(dsn, statement):
    """Run a statement in a connection of its own; return its rows, or None."""
    with contextlib.closing(psycopg2.connect(dsn)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else None


@pytest.mark.parametrize('how', ['stop', 'kill'])
def test_what_was_committed_is_there_after_a_restart(postgres, postgres_dsn, how):
    port = postgres.port
    query(postgres_dsn, 'CREATE TABLE things AS SELECT generate_series(1, 1000) AS number')
    getattr(postgres, how)()
    with pytest.raises(psycopg2.OperationalError):
        query(postgres_dsn, 'SELECT 1')
    postgres.start()
    assert postgres.port == port
    assert query(postgres_dsn, 'SELECT count(*) FROM things') == [(1000,)]


def test_paused_open_connections_stand_still_and_go_on(postgres, postgres_dsn):
    with contextlib.closing(psycopg2.connect(postgres_dsn)) as connection:
        backend = connection.info.backend_pid
        assert backend in postgres.pids
        postgres.pause()
        postgres.resume()
        with connection.cursor() as cursor:
            cursor.execute('SELECT 1')
            assert cursor.fetchone() == (1,)


def test_stopping_does_not_wait_for_clients(postgres, postgres_dsn):
    with contextlib.closing(psycopg2.connect(postgres_dsn)) as connection:
        postgres.stop()
        assert not postgres.running
        with connection.cursor() as cursor, pytest.raises(psycopg2.OperationalError):
            cursor.execute('SELECT 1')


def test_a_test_may_leave_it_dead(postgres, postgres_dsn):
    postgres.kill()


def test_databases_are_new_and_empty(postgres, postgres_dsn):
    assert query(postgres_dsn, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == []


def test_databases_are_removed(postgres):
    name = postgres.create_database()
    with contextlib.closing(psycopg2.connect(postgres.url(name))):
        postgres.drop_database(name)
    assert postgres.execute(f"SELECT 1 FROM pg_database WHERE datname = '{name}'") == ''
