"""A Kafka client that is closed in the middle of a request: nobody is called for it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import gevent
import pytest

from tests.services.kafka_lab import KafkaTown
from tests.source.contract import Heard


def given_up(town: KafkaTown) -> tuple[Any, Callable[[], None]]:
    made = town.client.producer()
    return made._metadata, lambda: town.client.give_up(made)


def left(town: KafkaTown) -> tuple[Any, Callable[[], None]]:
    made = town.source()
    made.start(Heard().events)
    made.poll(1, 0.0)
    return made._live()._cluster, made.close


@pytest.mark.parametrize('make', [given_up, left])
def test_what_is_cancelled_by_the_end_is_no_warning(
    town: KafkaTown, make: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, 'kafka')
    for turn in range(20):
        cluster, close = make(town)
        cluster.request_update()
        gevent.sleep(0.0005 * turn)  # more or less of the request is on its way
        close()
        told = [record.getMessage() for record in caplog.records]
        if any('Cancelled' in text for text in told if not text.startswith('Fetch')):
            break
    else:
        pytest.fail('nothing was under way')
    # A group's coordinator may move meanwhile, which is a warning of its own.
    loud = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert [text for text in loud if 'Cancelled' in text] == []
