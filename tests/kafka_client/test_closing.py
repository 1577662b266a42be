"""What kafka-python logs of requests that its own end cancels, and of those that fail."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from kafka.errors import Cancelled, KafkaConnectionError, KafkaError

from drakkar.kafka_client.closing import mend_closing

CLUSTER = logging.getLogger('kafka.cluster')
TRANSACTIONS = logging.getLogger('kafka.producer.transaction_manager')


@pytest.fixture(autouse=True)
def mended() -> Iterator[None]:
    levels = {logger: logger.level for logger in (CLUSTER, TRANSACTIONS)}
    mend_closing()
    yield
    for logger, level in levels.items():
        logger.setLevel(level)


def tell() -> None:
    """What 3.0.12 logs when a client ends, and when a broker goes."""
    CLUSTER.error('Metadata refresh: failed %s', Cancelled())
    TRANSACTIONS.error(f'Fatal Error handling request X: {KafkaError("unknown: Cancelled")}')
    CLUSTER.error('Metadata refresh: failed %s', KafkaConnectionError('gone'))
    TRANSACTIONS.error(f'Fatal Error handling request X: {KafkaConnectionError("gone")}')
    CLUSTER.warning('No node available for metadata refresh - backoff/retry')


def test_the_end_of_a_client_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    for logger in (CLUSTER, TRANSACTIONS):
        logger.setLevel(logging.WARNING)
    tell()
    texts = [record.getMessage() for record in caplog.records]
    assert len(texts) == 3
    assert not [text for text in texts if 'Cancelled' in text]


def test_who_asks_for_it_is_told(caplog: pytest.LogCaptureFixture) -> None:
    for logger in (CLUSTER, TRANSACTIONS):
        logger.setLevel(logging.INFO)
    tell()
    levels = [record.levelname for record in caplog.records]
    assert levels == ['INFO', 'INFO', 'ERROR', 'ERROR', 'WARNING']
