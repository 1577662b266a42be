"""A join that takes longer than the poll that began it."""

from __future__ import annotations

import pytest

from drakkar.source.kafka import source as module
from tests.services.kafka_lab import KafkaTown
from tests.services.waiting import wait_until
from tests.source.contract import Heard


def test_a_join_for_new_partitions_ends_though_its_poll_has_ended(
    town: KafkaTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = town.source()
    source.start(Heard().events)
    wait_until(lambda: source.poll(1, 0.1) == [] and len(source.positions()) == 4)
    with town.admin() as admin:
        admin.create_partitions({town.topic: 6})
    coordinator = source._live()._coordinator
    with monkeypatch.context() as patch:
        patch.setattr(module, '_JOIN_SECONDS', 0.0)
        source._live().refresh_metadata(1.0)
        wait_until(lambda: source.poll(1, 0.0) == [] and coordinator.rejoining)
    # The group answers while nobody polls, and the leader shares out what is new.
    wait_until(lambda: coordinator._join_task.is_done)
    wait_until(lambda: source.poll(1, 0.1) == [] and len(source.positions()) == 6, 5)
    assert source._live().settled
