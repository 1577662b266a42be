from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import psycopg2
import pytest

from drakkar.testing.delivery import Delivery
from drakkar_sink_postgres import PostgresOptions
from drakkar_sink_postgres.green import install
from drakkar_sink_postgres.sink import PostgresSink
from integration.servers.postgres import Postgres


class Database:
    """A database of the test's own: makes sinks for it and looks into it by itself."""

    def __init__(self, dsn: str) -> None:
        install()
        self.dsn = dsn
        self._sinks: list[PostgresSink] = []

    def sink(self, **options: Any) -> PostgresSink:
        """Return a sink that is not connected."""
        sink = PostgresSink('main', PostgresOptions().load({'dsn': self.dsn, **options}))
        self._sinks.append(sink)
        return sink

    def connected(self, **options: Any) -> PostgresSink:
        sink = self.sink(**options)
        sink.connect()
        return sink

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(self.dsn)
        try:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(query)
            return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    execute = rows

    def column(self, query: str) -> list[Any]:
        return [row[0] for row in self.rows(query)]

    def connections(self) -> int:
        """How many connections the sinks have."""
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'drakkar %'"
        return self.rows(query)[0][0]

    def clear(self) -> None:
        """Remove what is there, and those who might still be at work."""
        self.execute(
            'SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity '
            'WHERE datname = current_database() AND pid <> pg_backend_pid()'
        )
        self.execute('DROP SCHEMA IF EXISTS public, "My Schema" CASCADE; CREATE SCHEMA public')

    def close(self) -> None:
        for sink in self._sinks:
            sink.close()


@pytest.fixture(scope='session')
def _dsn(postgres: Postgres) -> str:
    return postgres.url(postgres.create_database())


@pytest.fixture
def database(_dsn: str) -> Iterator[Database]:
    """An empty database; a new one for each test would take ten times as long."""
    database = Database(_dsn)
    database.clear()
    yield database
    database.close()


@pytest.fixture
def delivery(database: Database) -> Iterator[Callable[..., Delivery]]:
    """Put the real delivery around a sink."""
    with ExitStack() as stack:

        def build(sink: PostgresSink, **settings: Any) -> Delivery:
            return stack.enter_context(Delivery('postgres', sink, **settings))

        yield build
