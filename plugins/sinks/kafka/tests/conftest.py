"""A topic on a real broker, and sinks that write to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient

from drakkar_sink_kafka import KafkaSinkOptions
from drakkar_sink_kafka.sink import KafkaSink

PARTITIONS = 3


class Town:
    """A broker with one topic of this test's own, and the records in it."""

    def __init__(self, server: Any, topic: str) -> None:
        self.server = server
        self.topic = topic

    @property
    def brokers(self) -> str:
        address: str = self.server.address
        return address

    def create(self, topic: str = '', partitions: int = PARTITIONS, **configs: Any) -> str:
        """Make a topic, with dots of its settings written as underscores; return its name."""
        name = f'{self.topic}{topic}'
        settings = {key.replace('_', '.'): str(value) for key, value in configs.items()}
        topics = {
            name: {'num_partitions': partitions, 'replication_factor': 1, 'configs': settings}
        }
        with closing(KafkaAdminClient(bootstrap_servers=self.brokers)) as admin:
            admin.create_topics(topics, wait_for_metadata=True)
        return name

    def options(self, **options: Any) -> Any:
        return KafkaSinkOptions().load({'brokers': self.brokers, 'topic': self.topic, **options})

    def records(self, topic: str = '') -> list[Any]:
        """Return all records of a topic, partition by partition."""
        name = f'{self.topic}{topic}'
        consumer = KafkaConsumer(bootstrap_servers=self.brokers, metrics_enabled=False)
        try:
            found = consumer.partitions_for_topic(name) or ()
            partitions = [TopicPartition(name, number) for number in sorted(found)]
            consumer.assign(partitions)
            consumer.seek_to_beginning(*partitions)
            ends = consumer.end_offsets(partitions)
            records: dict[Any, list[Any]] = {partition: [] for partition in partitions}
            while any(consumer.position(p) < ends[p] for p in partitions):
                for partition, polled in consumer.poll(timeout_ms=200).items():
                    records[partition] += polled
        finally:
            consumer.close()
        return [record for partition in partitions for record in records[partition]]


@pytest.fixture
def town(kafka: Any, unique_name: str) -> Town:
    """The broker, with an empty topic of three partitions."""
    town = Town(kafka, unique_name)
    town.create()
    return town


@pytest.fixture
def make(town: Town) -> Iterator[Callable[..., KafkaSink]]:
    """Make connected sinks; options as they are in a file."""
    with ExitStack() as stack:

        def build(**options: Any) -> KafkaSink:
            sink = KafkaSink('results', town.options(**options))
            stack.callback(sink.close)
            sink.connect()
            return sink

        yield build
