from __future__ import annotations

from typing import Any, ClassVar

import pytest

from drakkar.testing.sink_contract import SinkContract
from drakkar_sink_postgres import PostgresPayload, drakkar_register_sinks
from drakkar_sink_postgres.sink import PostgresSink
from integration.servers import ports


class PostgresContract(SinkContract):
    spec = drakkar_register_sinks()[0]
    options: ClassVar[dict[str, Any]] = {}
    primary_key = ''

    @pytest.fixture(autouse=True)
    def table(self, database: Any) -> None:
        self.database = database
        database.execute(
            f'CREATE TABLE results (number int {self.primary_key}, value jsonb, id serial)'
        )

    def make_sink(self) -> PostgresSink:
        return self.database.sink(**self.options)

    def make_unreachable_sink(self) -> PostgresSink:
        dsn = f'postgresql://drakkar@127.0.0.1:{ports.pick()[0]}/drakkar'
        return PostgresSink('main', self.spec.options().load({'dsn': dsn}))

    def make_payload(self, number: int, value: Any = None) -> PostgresPayload:
        return PostgresPayload('results', {'number': number, 'value': value})

    def read_back(self) -> list[tuple[int, Any]]:
        return self.database.rows('SELECT number, value FROM results ORDER BY id')


class TestInserts(PostgresContract):
    pass


class TestUpserts(PostgresContract):
    options: ClassVar[dict[str, Any]] = {'on_conflict': 'number'}
    primary_key = 'PRIMARY KEY'


class TestStatements(PostgresContract):
    options: ClassVar[dict[str, Any]] = {
        'statements': {'add': 'INSERT INTO results (number, value) VALUES (%(number)s, %(value)s)'}
    }

    def make_payload(self, number: int, value: Any = None) -> PostgresPayload:
        return PostgresPayload('', {'number': number, 'value': value}, statement='add')
