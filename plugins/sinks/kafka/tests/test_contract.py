from __future__ import annotations

import json
from typing import Any

import pytest

from drakkar.testing.sink_contract import SinkContract
from drakkar_sink_kafka import KafkaPayload, drakkar_register_sinks
from drakkar_sink_kafka.sink import KafkaSink
from integration.servers import ports


class TestKafkaSink(SinkContract):
    spec = drakkar_register_sinks()[0]

    @pytest.fixture(autouse=True)
    def _topic_is_there(self, town: Any) -> None:
        self.town = town

    def make_sink(self) -> KafkaSink:
        return KafkaSink('results', self.town.options())

    def make_unreachable_sink(self) -> KafkaSink:
        options = self.town.options(
            brokers=f'127.0.0.1:{ports.pick()[0]}', connect_timeout_seconds='0.5'
        )
        return KafkaSink('results', options)

    def make_payload(self, number: int, value: Any = None) -> KafkaPayload:
        return KafkaPayload({'number': number, 'value': value}, key='one partition')

    def read_back(self) -> list[tuple[int, Any]]:
        rows = [json.loads(record.value) for record in self.town.records()]
        return [(row['number'], row['value']) for row in rows]
