"""Kafka: every result, whole. Its key is the first request that asked for it."""

from __future__ import annotations

from drakkar_handler_ripgrep.routes import Data, Route
from drakkar_sink_kafka import KafkaPayload


def result(data: Data) -> KafkaPayload:
    return KafkaPayload(data, key=data['request_ids'][0])


RESULTS = [Route(result)]
SUMMARIES: list[Route] = []
