"""The handler of the soak: one short program a message, its output on every route."""

from __future__ import annotations

from collections.abc import Sequence

import drakkar.api as dk
from drakkar_sink_http import HttpPayload
from drakkar_sink_kafka import KafkaPayload
from drakkar_sink_mongo import MongoPayload
from drakkar_sink_postgres import PostgresPayload
from drakkar_sink_redis import RedisPayload


class SoakHandler(dk.Handler):
    """Sends each result to Kafka, PostgreSQL, MongoDB, Redis and an HTTP server."""

    def arrange(
        self, messages: Sequence[dk.SourceMessage], pending: dk.PendingContext
    ) -> list[dk.ExecutorTask]:
        return [
            dk.ExecutorTask(args=[str(m.payload['id'])], source_offsets=[m.offset])
            for m in messages
        ]

    def on_task_complete(self, result: dk.ExecutorResult) -> list[dk.Payload]:
        number = int(result.stdout)
        data = {'id': number}
        return [
            KafkaPayload(data, key=str(number)),
            PostgresPayload('results', data),
            MongoPayload('results', {'_id': number}),
            RedisPayload(str(number), data),
            HttpPayload(data),
        ]

    def on_delivery_error(self, error: dk.DeliveryFailure) -> dk.Action:
        return dk.DLQ if error.refused else dk.RETRY
