from __future__ import annotations

from typing import Any

import pytest
from pymongo.database import Database

from drakkar.testing.sink_contract import SinkContract
from drakkar_sink_mongo import MongoPayload, drakkar_register_sinks
from drakkar_sink_mongo.sink import MongoSink
from integration.servers import ports


class MongoContract(SinkContract):
    spec = drakkar_register_sinks()[0]

    @pytest.fixture(autouse=True)
    def server(self, mongo: Any, database: Database[Any]) -> None:
        self.uri = f'mongodb://{mongo.address}'
        self.database = database

    def make_sink(self) -> MongoSink:
        options = {'uri': self.uri, 'database': self.database.name}
        return MongoSink('main', self.spec.options().load(options))

    def make_unreachable_sink(self) -> MongoSink:
        options = {
            'uri': f'mongodb://127.0.0.1:{ports.pick()[0]}/x',
            'connect_timeout_seconds': '0.2',
        }
        return MongoSink('main', self.spec.options().load(options))

    def read_back(self) -> list[tuple[int, Any]]:
        return [(row['number'], row['value']) for row in self.database.rows.find()]


class TestReplaced(MongoContract):
    ordered = False

    def make_payload(self, number: int, value: Any = None) -> MongoPayload:
        return MongoPayload('rows', {'_id': number, 'number': number, 'value': value})


class TestInserted(MongoContract):
    ordered = False

    def make_payload(self, number: int, value: Any = None) -> MongoPayload:
        data = {'number': number, '_id': f'id-{number}', 'value': value}
        return MongoPayload('rows', data, operation='insert')


class TestAdded(MongoContract):
    # Another payload with the same data is another document; see test_writes.py for the same one.
    test_the_same_batch_again_changes_nothing_if_idempotent = None

    def make_payload(self, number: int, value: Any = None) -> MongoPayload:
        return MongoPayload('rows', {'number': number, 'value': value})
