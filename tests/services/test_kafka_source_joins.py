"""A join that takes longer than the poll that began it."""

from __future__ import annotations

import pytest
from kafka.errors import GroupAuthorizationFailedError
from kafka.future import Future

from drakkar.errors import SourceError
from drakkar.source.kafka import source as module
from drakkar.source.kafka.source import KafkaSource
from tests.services.kafka_lab import KafkaTown
from tests.services.waiting import wait_until
from tests.source.contract import Heard


@pytest.fixture
def source(town: KafkaTown, monkeypatch: pytest.MonkeyPatch) -> KafkaSource:
    """The leader of a group, which joined again for new partitions while nobody polled."""
    source = town.source()
    source.start(Heard().events)
    wait_until(lambda: source.poll(1, 0.1) == [] and len(source.positions()) == 4)
    with town.admin() as admin:
        admin.create_partitions({town.topic: 6})
        # It was told as done by the controller: the broker hears of it in its own time.
        wait_until(lambda: len(admin.describe_topics([town.topic])[0]['partitions']) == 6)
    coordinator = source._live()._coordinator
    with monkeypatch.context() as patch:
        patch.setattr(module, '_JOIN_SECONDS', 0.0)
        source._live().refresh_metadata(1.0)
        wait_until(lambda: source.poll(1, 0.0) == [] and coordinator.rejoining)
    # The group answers while nobody polls, and the leader shares out what is new.
    wait_until(lambda: coordinator._join_task.is_done)
    return source


@pytest.fixture
def joins(source: KafkaSource, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The generation of each further join."""
    coordinator, joins = source._live()._coordinator, list[int]()
    join = coordinator._do_join_and_sync_async

    async def counted() -> bytes:
        joins.append(coordinator._generation.generation_id)
        return await join()  # type: ignore[no-any-return]

    monkeypatch.setattr(coordinator, '_do_join_and_sync_async', counted)
    return joins


def poll_until_shared_out(source: KafkaSource) -> None:
    wait_until(lambda: source.poll(1, 0.1) == [] and len(source.positions()) == 6, 5)
    assert source._live().settled


def test_it_ends_though_its_poll_has_ended(source: KafkaSource, joins: list[int]) -> None:
    poll_until_shared_out(source)
    assert joins == []  # one more would be one more rebalance for the whole group


def test_it_is_of_no_use_after_a_session(source: KafkaSource, joins: list[int]) -> None:
    source._live()._synced_at -= 6.0
    poll_until_shared_out(source)
    assert len(joins) == 1


def test_its_refusal_is_told_though_its_poll_has_ended(source: KafkaSource) -> None:
    refused = Future().failure(GroupAuthorizationFailedError('no group for you'))
    source._live()._coordinator._join_task = refused
    source._live()._synced_at -= 6.0
    with pytest.raises(SourceError, match='no group for you'):
        source.poll(1, 0.1)
    poll_until_shared_out(source)
