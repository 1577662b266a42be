"""Fixtures of tests against real servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaConsumer

from tests.services.kafka_lab import KafkaTown

if TYPE_CHECKING:
    from integration.servers.kafka import KafkaAddress


@pytest.fixture
def town(kafka: KafkaAddress, unique_name: str) -> Iterator[KafkaTown]:
    """A topic of four partitions that no other test has, and who is started on it."""
    town = KafkaTown(kafka.address, unique_name)
    yield town
    town.close()


@pytest.fixture
def consumer(town: KafkaTown) -> Iterator[KafkaConsumer]:
    """A reader of the town's topics that belongs to no group."""
    consumer = town.client.consumer(
        KafkaConsumer, group_id=None, auto_offset_reset='earliest', enable_auto_commit=False
    )
    yield consumer
    consumer.close()
