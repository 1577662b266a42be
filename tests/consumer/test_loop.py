"""The poll loop: what it takes, when it pauses, and that it never spins."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from drakkar.consumer import loop as module
from drakkar.consumer.backpressure import Backpressure
from drakkar.consumer.loop import PollLoop
from drakkar.contracts.observer import Observer
from drakkar.errors import PartitionLostError, SourceError
from drakkar.greenlets import Nursery
from drakkar.models.message import SourceMessage, TopicPartition
from drakkar.source.memory import MemorySource
from tests.waiting import until


class CountingSource(MemorySource):
    """Counts polls; `during_poll` is called in each."""

    polls = 0
    during_poll: Callable[[], None] = staticmethod(lambda: None)

    def poll(self, max_messages: int, timeout: float) -> list[SourceMessage]:
        self.polls += 1
        self.during_poll()
        return super().poll(max_messages, timeout)


class World(Observer):
    """A poll loop whose partitions keep what they are offered."""

    def __init__(self) -> None:
        self.source = CountingSource(2)
        self.pressure = Backpressure(10, 2)
        self.queues: dict[TopicPartition, list[SourceMessage]] = {}
        self.told: list[tuple[bool, int]] = []
        self.errors: list[BaseException] = []
        self.gone: list[TopicPartition] = []
        self.deaths: list[str] = []
        self.greenlets = Nursery(lambda name, error: self.deaths.append(name))
        options = SimpleNamespace(poll_max_messages=4, error_backoff_seconds=0.001)
        owner: Any = SimpleNamespace(get=self.get, lost=self.gone.extend)
        self.loop = PollLoop(self.source, owner, self.pressure, self, options)
        events: Any = SimpleNamespace(assigned=self.assigned, revoked=None, lost=None)
        self.source.start(events)
        self.greenlets.spawn('loop', self.loop.run)

    def assigned(self, partitions: list[TopicPartition]) -> None:
        self.queues.update((p, []) for p in partitions)

    def get(self, partition: TopicPartition) -> Any:
        queue = self.queues.get(partition)
        return None if queue is None else SimpleNamespace(offer=queue.extend)

    def backpressure(self, active: bool, total_queued: int) -> None:
        self.told.append((active, total_queued))

    def source_error(self, error: BaseException) -> None:
        self.errors.append(error)

    def finish(self, count: int) -> None:
        """Take load away as the pipeline does."""
        self.pressure.remove(count)
        if self.pressure.active and self.pressure.total <= self.pressure.low:
            self.loop.relieved.set()

    @property
    def taken(self) -> int:
        return sum(map(len, self.queues.values()))


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    assert world.greenlets.kill()
    assert not world.deaths


def test_messages_reach_their_partitions_in_order(world: World) -> None:
    sent = [world.source.append(b'x', i % 2) for i in range(6)]
    until(lambda: world.taken == 6)
    assert list(world.queues.values()) == [sent[::2], sent[1::2]]
    assert world.pressure.total == 6


def test_never_more_is_taken_than_there_is_room_for(world: World) -> None:
    for number in range(50):
        world.source.append(b'x', number % 2)
    until(lambda: world.told)
    assert world.told == [(True, 10)]
    assert world.taken == 10
    assert world.source.paused


def test_a_paused_loop_polls_for_its_membership_and_does_not_spin(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, '_POLL_SECONDS', 0.02)
    for _ in range(50):
        world.source.append(b'x')
    until(lambda: world.told)
    polls, started = world.source.polls, time.monotonic()
    until(lambda: world.source.polls >= polls + 5)
    assert time.monotonic() - started > 0.05


def test_a_pause_ends_as_soon_as_the_load_is_gone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, '_POLL_SECONDS', 3600)
    for _ in range(12):
        world.source.append(b'x')
    until(lambda: world.told)
    gevent.sleep(0)
    world.finish(7)
    gevent.sleep(0.01)
    assert world.told == [(True, 10)]  # between low and high it stays as it is
    world.finish(1)
    until(lambda: world.taken == 12)
    assert world.told == [(True, 10), (False, 2)]


def test_load_that_goes_during_a_poll_ends_the_pause_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, '_POLL_SECONDS', 3600)

    def relieve() -> None:
        if world.pressure.active and world.pressure.total == 10:
            world.finish(8)

    world.source.during_poll = relieve
    for _ in range(12):
        world.source.append(b'x')
    until(lambda: world.taken == 12)


def test_messages_of_a_partition_given_up_meanwhile_are_left_to_the_next_owner(
    world: World,
) -> None:
    until(lambda: world.queues)
    world.queues.pop(TopicPartition('messages', 1))
    world.source.append(b'x', 1)
    world.source.append(b'x', 0)
    until(lambda: world.taken == 1)
    assert world.pressure.total == 1


def test_failed_polls_are_told_and_tried_again(world: World) -> None:
    world.source.fail('poll', SourceError('away'), times=3)
    world.source.append(b'x')
    until(lambda: world.taken == 1)
    assert len(world.errors) == 3


def test_what_a_poll_says_is_lost_is_told_to_the_assignment(world: World) -> None:
    lost = TopicPartition('messages', 1)
    world.source.fail('poll', PartitionLostError([lost]))
    until(lambda: world.gone == [lost])
    assert not world.errors


def test_a_stopped_loop_takes_nothing_more_but_keeps_polling(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, '_POLL_SECONDS', 0.01)
    until(lambda: world.queues)
    world.loop.stop()
    world.source.append(b'x')
    before = world.source.polls
    until(lambda: world.source.polls > before + 3)
    assert world.taken == 0
    assert not world.told
