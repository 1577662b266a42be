"""Watermarks on their way to the source: coalesced, tried again, never for what is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import SimpleNamespace

import gevent
import pytest
import structlog
from gevent.event import Event

from drakkar.contracts.observer import Observer
from drakkar.errors import PartitionLostError, RebalancingError, SourceError
from drakkar.greenlets import Nursery
from drakkar.models.message import TopicPartition
from drakkar.pipeline import commit as module
from drakkar.pipeline.commit import Committer
from drakkar.source.memory import MemorySource
from tests.waiting import until

ZERO, ONE = TopicPartition('messages', 0), TopicPartition('messages', 1)


class SlowSource(MemorySource):
    """Its commits wait at `gate` when that is closed; `started` counts them."""

    def __init__(self) -> None:
        super().__init__(2)
        self.gate = Event()
        self.gate.set()
        self.started = 0
        self.answer: Callable[[], None] = lambda: None

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        self.started += 1
        self.gate.wait()
        self.answer()
        super().commit(offsets)


class World(Observer):
    def __init__(self) -> None:
        self.source = SlowSource()
        self.source.assign(0, 1)
        self.lost: list[TopicPartition] = []
        self.told: list[Mapping[TopicPartition, int]] = []
        self.errors: list[BaseException] = []
        self.deaths: list[str] = []
        self.greenlets = Nursery(lambda name, error: self.deaths.append(name))
        self.committer = Committer(
            self.source, self, SimpleNamespace(commit_interval_ms=5), self.lose
        )

    def lose(self, partitions: Sequence[TopicPartition]) -> None:
        self.lost.extend(partitions)
        self.committer.forget(partitions)

    def committed(self, offsets: Mapping[TopicPartition, int]) -> None:
        self.told.append(dict(offsets))

    def source_error(self, error: BaseException) -> None:
        self.errors.append(error)

    def run(self) -> None:
        self.greenlets.spawn('committer', self.committer.run)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.greenlets.kill()
    assert not world.deaths


def test_many_watermarks_become_one_commit(world: World) -> None:
    world.run()
    for offset in range(1, 100):
        world.committer.mark(ZERO, offset)
        world.committer.mark(ONE, offset * 2)
        if offset % 10 == 0:
            gevent.sleep(0)
    until(lambda: world.source.committed == {ZERO: 99, ONE: 198})
    assert len(world.source.commits) <= 3
    assert world.told == world.source.commits


def test_nothing_to_commit_is_no_round_trip(world: World) -> None:
    world.run()
    assert world.committer.flush()
    assert world.committer.flush([ZERO])
    world.committer.mark(ZERO, 1)
    until(lambda: world.source.committed)
    gevent.sleep(0.02)  # nothing more follows
    assert world.source.started == 1


def test_a_failed_commit_is_told_and_tried_again(world: World) -> None:
    world.source.fail('commit', SourceError('away'), times=2)
    world.run()
    world.committer.mark(ZERO, 3)
    until(lambda: world.source.committed == {ZERO: 3})
    assert len(world.errors) == 2


def flush_failing(world: World, error: SourceError, times: int = 1) -> list[tuple[str, str]]:
    world.source.fail('commit', error, times=times)
    with structlog.testing.capture_logs() as logged:
        assert [world.committer.flush() for _ in range(times)] == [False] * times
    return [(entry['event'], entry['log_level']) for entry in logged]


def test_what_passes_by_itself_is_no_failure(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(module, 'monotonic', lambda: now)
    world.committer.mark(ZERO, 3)
    rebalance, outage = RebalancingError('rebalancing'), SourceError('away')
    assert flush_failing(world, rebalance, times=3) == [('commit_waits', 'info')]
    assert world.errors == []
    # A failure is told at once, whatever was told before.
    assert flush_failing(world, outage) == [('commit_failed', 'warning')]
    assert flush_failing(world, rebalance) == [('commit_waits', 'info')]
    assert world.errors == [outage]
    # And what does not pass is one.
    now += 60
    assert flush_failing(world, rebalance, times=2) == [('commit_failed', 'warning')]
    assert world.errors == [outage, rebalance, rebalance]
    assert world.committer.flush()
    world.committer.mark(ZERO, 4)
    assert flush_failing(world, rebalance) == [('commit_waits', 'info')]
    assert world.committer.flush()
    assert world.source.committed == {ZERO: 4}


def test_failures_in_a_row_are_logged_now_and_then(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.committer.mark(ZERO, 3)

    def failures(times: int) -> list[int]:
        world.source.fail('commit', SourceError('away'), times=times)
        with structlog.testing.capture_logs() as logged:
            assert [world.committer.flush() for _ in range(times)] == [False] * times
        assert {entry['error'] for entry in logged} == {'away'}
        return [entry['failures'] for entry in logged]

    assert failures(5) == [1]
    assert world.committer.flush()
    world.committer.mark(ZERO, 4)
    assert failures(5) == [1]
    monkeypatch.setattr('drakkar.pipeline.commit._REPEAT_SECONDS', 0.0)
    assert failures(2) == [6, 7]
    assert len(world.errors) == 12


def test_a_newer_watermark_is_not_undone_by_one_that_failed(world: World) -> None:
    world.source.gate.clear()
    world.source.fail('commit', SourceError('away'))
    world.committer.mark(ZERO, 3)
    flushing = gevent.spawn(world.committer.flush)
    until(lambda: world.source.started)
    world.committer.mark(ZERO, 8)
    world.source.gate.set()
    assert flushing.get() is False
    assert world.committer.flush()
    assert world.source.committed == {ZERO: 8}


def test_what_is_lost_is_told_once_and_the_rest_is_committed(world: World) -> None:
    world.source.lose(0)
    world.run()
    world.committer.mark(ZERO, 3)
    world.committer.mark(ONE, 4)
    until(lambda: world.told)
    assert world.lost == [ZERO]
    assert world.source.committed == {ONE: 4}
    assert not world.errors


def test_a_flush_says_whether_all_is_stored(world: World) -> None:
    world.source.lose(0)
    world.committer.mark(ZERO, 3)
    world.committer.mark(ONE, 4)
    assert world.committer.flush() is False
    assert world.committer.flush() is True


def test_what_is_given_up_during_a_commit_that_fails_is_not_tried_again(world: World) -> None:
    world.source.gate.clear()
    world.source.fail('commit', SourceError('away'))
    world.committer.mark(ZERO, 3)
    world.committer.mark(ONE, 4)
    flushing = gevent.spawn(world.committer.flush)
    until(lambda: world.source.started)
    world.committer.forget([ZERO])
    world.source.gate.set()
    flushing.get()
    assert world.committer.flush()
    assert world.source.commits == [{ONE: 4}]


def test_a_loss_that_is_known_already_is_not_told_again(world: World) -> None:
    """By then the partition may be ours anew, and its new assignment must live."""
    world.source.gate.clear()
    world.committer.mark(ZERO, 3)

    def refuse() -> None:
        raise PartitionLostError([ZERO])

    world.source.answer = refuse
    flushing = gevent.spawn(world.committer.flush)
    until(lambda: world.source.started)
    world.committer.forget([ZERO])  # the poll told of the loss first, and then of a new assignment
    world.source.gate.set()
    assert flushing.get() is True
    assert not world.lost


def test_a_commit_killed_half_way_is_done_again(world: World) -> None:
    world.source.gate.clear()
    world.committer.mark(ZERO, 3)
    flushing = gevent.spawn(world.committer.flush)
    until(lambda: world.source.started)
    flushing.kill()
    world.source.gate.set()
    assert world.committer.flush()
    assert world.source.committed == {ZERO: 3}


def test_a_flush_waits_for_the_commit_under_way(world: World) -> None:
    world.source.gate.clear()
    world.run()
    world.committer.mark(ZERO, 3)
    until(lambda: world.source.started)
    world.committer.mark(ZERO, 5)
    flushing = gevent.spawn(world.committer.flush, [ZERO])
    gevent.sleep(0)
    assert world.source.started == 1
    world.source.gate.set()
    assert flushing.get()
    assert world.source.commits == [{ZERO: 3}, {ZERO: 5}]


def test_a_flush_of_some_leaves_the_others(world: World) -> None:
    world.committer.mark(ZERO, 3)
    world.committer.mark(ONE, 4)
    assert world.committer.flush([ZERO])
    assert world.source.commits == [{ZERO: 3}]


def test_an_error_of_another_kind_ends_the_greenlet_and_loses_nothing(world: World) -> None:
    world.source.fail('commit', ZeroDivisionError('a bug'))
    world.run()
    world.committer.mark(ZERO, 3)
    until(lambda: world.deaths == ['committer'])
    world.deaths.clear()
    assert world.committer.flush()
    assert world.source.committed == {ZERO: 3}
