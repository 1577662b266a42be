"""Partitions that come and go, also while they are going."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent.event import Event

from drakkar.consumer import assignment as module
from drakkar.consumer.assignment import Assignment
from drakkar.contracts.observer import Observer
from drakkar.errors import SourceError
from drakkar.greenlets import Nursery
from drakkar.models.message import SourceMessage, TopicPartition
from drakkar.models.snapshot import PartitionSnapshot
from drakkar.pipeline.commit import Committer
from drakkar.source.memory import MemorySource
from tests.waiting import until

ZERO, ONE = TopicPartition('messages', 0), TopicPartition('messages', 1)


class Scripted:
    """A partition's pipeline whose windows end when the test says so."""

    def __init__(self, partition: TopicPartition) -> None:
        self.partition = partition
        self.done = Event()
        self.ended = Event()
        self.ended.set()
        self.closing = self.abandoned = self.cancelled = False

    def offer(self, messages: Sequence[SourceMessage]) -> None:
        raise NotImplementedError

    def stop_intake(self) -> None:
        self.closing = True

    def drain(self, timeout: float) -> bool:
        self.done.wait(timeout)
        return self.done.is_set() and not self.abandoned

    def abandon(self) -> None:
        self.abandoned = True
        self.done.set()

    def cancel(self) -> None:
        self.abandon()
        self.ended.wait()
        self.cancelled = True

    def snapshot(self) -> PartitionSnapshot:
        return PartitionSnapshot(self.partition)


class World(Observer):
    """An assignment with a real source and committer, and two partitions."""

    def __init__(self, drain_timeout: float) -> None:
        self.source = MemorySource(2)
        self.made: list[Scripted] = []
        self.told: list[tuple[str, list[int]]] = []
        self.deaths: list[str] = []
        self.hook: Callable[[], None] = lambda: None
        self.greenlets = Nursery(lambda name, error: self.deaths.append(name))
        self.committer = Committer(
            self.source,
            self,
            SimpleNamespace(commit_interval_ms=1),
            lambda partitions: self.assignment.lost(partitions),
        )
        self.assignment = Assignment(
            self.make,
            self.source,
            self.committer,
            self.greenlets,
            self,
            self,
            drain_timeout,
        )
        self.source.start(self.assignment.events)
        self.poll()

    def make(self, partition: TopicPartition) -> Scripted:
        self.made.append(Scripted(partition))
        return self.made[-1]

    def call(self, hook: str, partitions: Sequence[TopicPartition]) -> None:
        self.told.append((hook, [p.partition for p in partitions]))
        if hook == 'on_revoke':
            self.hook()

    def revoked(self, partitions: Sequence[TopicPartition], lost: bool) -> None:
        self.told.append(('lost' if lost else 'revoked', [p.partition for p in partitions]))

    def poll(self) -> None:
        self.source.poll(1, 0)

    def revoke(self, partition: int) -> Scripted:
        processor = self.assignment.get(TopicPartition('messages', partition))
        self.source.revoke(partition)
        self.poll()
        assert isinstance(processor, Scripted)
        return processor


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    world = World(getattr(request, 'param', 5.0))
    yield world
    world.greenlets.kill()
    assert not world.deaths


short_drain = pytest.mark.parametrize('world', [0.05], indirect=True)


def test_each_partition_gained_gets_a_processor_and_is_told(world: World) -> None:
    assert [p.partition for p in world.made] == [ZERO, ONE]
    assert len(world.assignment) == 2
    assert world.assignment.get(ZERO) is world.made[0]
    until(lambda: world.told == [('on_assign', [0, 1])])


def test_a_partition_that_is_ours_already_is_left_alone(world: World) -> None:
    world.source.assign(0)
    world.poll()
    assert len(world.made) == 2


def test_a_revoked_partition_drains_then_commits_then_is_released(world: World) -> None:
    processor = world.revoke(0)
    assert processor.closing
    assert world.assignment.get(ZERO) is None
    assert set(world.assignment) == {*world.made}  # the UI still shows it
    world.committer.mark(ZERO, 7)
    gevent.sleep(0)
    assert not world.source.released
    processor.done.set()
    until(lambda: world.source.released == [ZERO])
    assert world.source.committed == {ZERO: 7}
    assert processor.cancelled
    assert list(world.assignment) == [world.made[1]]


@short_drain
def test_a_drain_that_times_out_commits_nothing_and_is_released(world: World) -> None:
    processor = world.revoke(0)
    world.committer.mark(ZERO, 7)
    until(lambda: world.source.released == [ZERO])
    assert processor.cancelled
    assert world.committer.flush()
    assert not world.source.committed


def test_a_lost_partition_is_harmless_before_the_event_returns(world: World) -> None:
    world.made[0].ended.clear()  # a hook that takes its time to end
    world.committer.mark(ZERO, 7)
    world.source.lose(0, 1)
    world.poll()
    assert [p.abandoned for p in world.made] == [True, True]
    assert world.committer.flush()
    assert world.assignment.get(ZERO) is None
    world.made[0].ended.set()
    until(lambda: ('on_revoke', [0, 1]) in world.told)
    assert ('lost', [0, 1]) in world.told
    assert not list(world.assignment)
    assert not world.source.released
    assert not world.source.committed


def test_a_partition_lost_during_its_drain_is_neither_committed_nor_released(world: World) -> None:
    processor = world.revoke(0)
    world.committer.mark(ZERO, 7)
    world.source.lose(0)
    world.poll()
    assert processor.abandoned
    until(lambda: not world.greenlets)
    assert not world.source.committed
    assert not world.source.released


def test_a_partition_that_comes_back_during_its_drain_starts_over(world: World) -> None:
    old = world.revoke(0)
    old.ended.clear()
    world.source.assign(0)
    world.poll()
    new = world.assignment.get(ZERO)
    assert old.abandoned
    assert new is world.made[2]
    assert old in list(world.assignment)
    old.ended.set()
    until(lambda: not world.greenlets)
    assert world.assignment.get(ZERO) is new
    assert not world.source.released
    assert not world.made[2].abandoned


def test_a_partition_that_comes_back_during_its_last_commit_is_not_released(world: World) -> None:
    world.source.fail('commit', SourceError('away'), times=1)
    world.committer.mark(ZERO, 7)
    world.revoke(0).done.set()
    until(lambda: not world.source._failures['commit'])
    world.source.assign(0)
    world.poll()
    until(lambda: world.source.committed == {ZERO: 7})
    until(lambda: not world.greenlets)
    assert not world.source.released
    assert world.assignment.get(ZERO) is world.made[2]


def test_a_partition_that_comes_back_while_its_old_hooks_end_is_not_released(world: World) -> None:
    old = world.revoke(0)
    old.ended.clear()
    old.done.set()
    until(lambda: old.abandoned)
    world.source.assign(0)
    world.poll()
    old.ended.set()
    until(lambda: not world.greenlets)
    assert not world.source.released
    assert world.assignment.get(ZERO) is world.made[2]


def test_the_last_commit_is_tried_again_while_the_source_is_away(world: World) -> None:
    world.source.fail('commit', SourceError('away'), times=2)
    world.committer.mark(ZERO, 7)
    world.revoke(0).done.set()
    until(lambda: world.source.released == [ZERO])
    assert world.source.committed == {ZERO: 7}


@short_drain
def test_a_commit_that_never_works_is_given_up_and_not_called_clean(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, '_COMMIT_SECONDS', 0.05)
    world.source.fail('commit', SourceError('away'), times=10**6)
    world.committer.mark(ZERO, 7)
    for processor in world.made:
        processor.done.set()
    assert world.assignment.drain_all(0.05) == [ZERO]
    world.source._failures['commit'].clear()
    assert world.committer.flush()
    assert not world.source.committed


@short_drain
def test_a_commit_given_up_late_does_not_touch_the_next_assignment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, '_COMMIT_SECONDS', 0.05)
    world.source.fail('commit', SourceError('away'), times=10**6)
    world.committer.mark(ZERO, 7)
    world.revoke(0).done.set()
    until(lambda: len(world.source._failures['commit']) < 10**6)
    world.source.assign(0)
    world.poll()
    world.committer.mark(ZERO, 9)
    until(lambda: not world.greenlets)
    world.source._failures['commit'].clear()
    assert world.committer.flush()
    assert world.source.committed == {ZERO: 9}


@short_drain
def test_a_commit_that_hangs_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, '_COMMIT_SECONDS', 0.05)
    monkeypatch.setattr(world.source, 'commit', lambda offsets: Event().wait())
    world.committer.mark(ZERO, 7)
    world.revoke(0).done.set()
    until(lambda: world.source.released == [ZERO])


@short_drain
def test_a_hook_that_never_returns_keeps_no_partition(world: World) -> None:
    world.hook = lambda: Event().wait()
    world.committer.mark(ZERO, 7)
    world.revoke(0).done.set()
    until(lambda: world.source.released == [ZERO])
    assert world.source.committed == {ZERO: 7}


def test_a_hook_that_raises_changes_nothing(world: World) -> None:
    def broken() -> None:
        raise ValueError('by design')

    world.hook = broken
    world.revoke(0).done.set()
    until(lambda: world.source.released == [ZERO])


def test_draining_all_waits_for_those_already_revoked_and_releases_none(world: World) -> None:
    leaving = world.revoke(0)
    world.made[1].done.set()
    world.committer.mark(ZERO, 7)
    world.committer.mark(ONE, 9)
    left: list[Any] = []
    draining = gevent.spawn(lambda: left.append(world.assignment.drain_all(5.0)))
    until(lambda: ONE in world.source.committed)
    assert not draining.ready()
    leaving.done.set()
    draining.join()
    assert left == [[]]
    assert world.source.committed == {ZERO: 7, ONE: 9}
    assert not world.source.released
    assert not list(world.assignment)


def test_draining_all_names_what_was_left_and_takes_nothing_new(world: World) -> None:
    world.made[0].done.set()
    assert world.assignment.drain_all(0.05) == [ONE]
    world.source.assign(0)
    world.poll()
    assert len(world.made) == 2
