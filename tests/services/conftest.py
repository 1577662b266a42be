"""Fixtures of tests against real servers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.services.kafka_lab import KafkaTown


@pytest.fixture
def brokers(request: pytest.FixtureRequest) -> str:
    return os.environ.get('K2_KAFKA') or request.getfixturevalue('kafka').address


@pytest.fixture
def town(brokers: Any, unique_name: str) -> Iterator[KafkaTown]:
    """A topic of four partitions that no other test has, and who is started on it."""
    town = KafkaTown(brokers, unique_name)
    yield town
    town.close()
