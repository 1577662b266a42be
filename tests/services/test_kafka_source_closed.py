"""A Kafka source that is closed while another greenlet waits in it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.kafka_lab import KafkaTown
from tests.services.waiting import wait_until
from tests.source.contract import Heard


def test_closed_while_it_connects_again_it_joins_nothing(
    town: KafkaTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = town.source()
    source.start(Heard().events)
    wait_until(lambda: source.poll(1, 0.5) == [] and source.positions())
    connect, made = source._connect, list[Any]()

    def connect_and_be_closed() -> Any:
        made.append(connect())
        source.close()
        return made[-1]

    monkeypatch.setattr(source, '_connect', connect_and_be_closed)
    old, source._consumer = source._live(), None  # as where the last attempt to replace it failed
    old.close(autocommit=False)
    assert source.poll(1, 0.5) == []
    assert made[0]._closed
    assert source.poll(1, 0.0) == []
    assert len(made) == 1
