"""What proofs ask the broker: records, end offsets, committed offsets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

_READ_SECONDS = 10


def end_offsets(brokers: str, topic: str) -> dict[TopicPartition, int]:
    """Return how many records each partition of a topic has had."""
    with closing(KafkaConsumer(bootstrap_servers=brokers)) as consumer:
        found: dict[TopicPartition, int] = consumer.end_offsets(_partitions(consumer, topic))
        return found


def committed(brokers: str, group: str, topic: str) -> int:
    """Return how many records of a topic a group has committed."""
    with closing(KafkaAdminClient(bootstrap_servers=brokers)) as admin:
        found = admin.list_group_offsets({group: None})[group]
    return sum(max(0, at.offset) for place, at in found.items() if place.topic == topic)


def records(brokers: str, topic: str) -> Iterator[Any]:
    """Yield the records of a topic, from its beginning to where it ends now.

    Raises TimeoutError where records do not come: those that the broker no longer keeps, too.
    """
    options = {'auto_offset_reset': 'earliest', 'enable_auto_commit': False}
    with closing(KafkaConsumer(bootstrap_servers=brokers, **options)) as consumer:
        partitions = _partitions(consumer, topic)
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        left = sum(ends.values())
        while left > 0:
            polled = consumer.poll(timeout_ms=_READ_SECONDS * 1000, max_records=5000)
            if not polled:
                raise TimeoutError(f'{topic}: {left} records did not come')
            for place, batch in polled.items():
                # What has come since must not stand for what is still to be read elsewhere.
                wanted = [record for record in batch if record.offset < ends[place]]
                left -= len(wanted)
                yield from wanted


def _partitions(consumer: KafkaConsumer, topic: str) -> list[TopicPartition]:
    return [TopicPartition(topic, n) for n in consumer.partitions_for_topic(topic) or ()]
