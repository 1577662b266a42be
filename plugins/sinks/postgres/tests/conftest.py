from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gevent
import psycopg2
import pytest

import drakkar.api as dk
from drakkar.contracts.observer import Observer
from drakkar.delivery.router import Router
from drakkar.delivery.settings import DeliverySettings
from drakkar.greenlets import Nursery
from drakkar.models.delivery import CancelScope, Provenance
from drakkar.testing.harness import MemoryDeadLetters
from drakkar_sink_postgres import PostgresOptions, PostgresPayload
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


class Delivery:
    """The real delivery around one sink: what was submitted ends in it or in `dead`."""

    def __init__(self, sink: PostgresSink, **settings: Any) -> None:
        self.answer = dk.DLQ
        self.done: list[int] = []
        self.failures: list[dk.DeliveryFailure] = []
        self._queue = MemoryDeadLetters()
        self._died: list[Any] = []
        self._nursery = Nursery(lambda *death: self._died.append(death))
        self.router = Router(
            {dk.SinkRef('postgres', 'main'): sink},
            self._queue,
            self._ask,
            Observer(),
            DeliverySettings(connect_backoff_seconds=0.01, retry_backoff_seconds=0.05, **settings),
            self._nursery,
        )
        self.router.connect()

    def _ask(self, failure: dk.DeliveryFailure) -> dk.Action:
        self.failures.append(failure)
        return self.answer

    def submit(self, number: int, *payloads: PostgresPayload) -> None:
        """Submit the payloads of message `number`."""
        provenance = Provenance([dk.SourceMessage('topic', 0, number, b'')], CancelScope())
        self.router.submit(payloads, provenance, lambda: self.done.append(number))

    def settle(self) -> None:
        assert self.router.join(20)

    @property
    def dead(self) -> dict[int, str]:
        """Message number to error, for what is in the dead letter queue."""
        return {letter.message.offset: letter.error for letter in self._queue.letters}

    def close(self) -> None:
        self.router.close()
        self._nursery.kill()
        assert self._died == []


@pytest.fixture
def delivery(database: Database) -> Iterator[Callable[..., Delivery]]:
    """Put the real delivery around a sink."""
    made: list[Delivery] = []

    def build(sink: PostgresSink, **settings: Any) -> Delivery:
        made.append(Delivery(sink, **settings))
        return made[-1]

    yield build
    for one in made:
        one.close()


@pytest.fixture
def until() -> Callable[..., None]:
    """Wait for a condition."""

    def wait(condition: Callable[[], Any], seconds: float = 10) -> None:
        with gevent.Timeout(seconds, AssertionError('the condition did not come true')):
            while not condition():
                gevent.sleep(0.005)

    return wait
