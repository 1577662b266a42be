"""One partition's pipeline by itself: what it counts, and how it is given up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent.event import Event

from drakkar.contracts.delivery import Delivery
from drakkar.contracts.observer import Observer
from drakkar.greenlets import Nursery
from drakkar.handler import Handler
from drakkar.models.message import SourceMessage, TopicPartition
from drakkar.models.payload import Payload
from drakkar.models.task import (
    ExecutorResult,
    ExecutorTask,
    PendingContext,
    PrecomputedResult,
)
from drakkar.pipeline.decode import Decoder
from drakkar.pipeline.hooks import Hooks
from drakkar.pipeline.parts import Parts
from drakkar.pipeline.processor import PartitionProcessor
from tests.waiting import until

PARTITION = TopicPartition('t', 0)


class Gated(Handler):
    """Its tasks are done at once; its hooks wait at gates."""

    input_format = 'raw'

    def __init__(self) -> None:
        self.arranged: list[list[int]] = []
        self.arrange_gate, self.task_gate = Event(), Event()
        self.arrange_gate.set()
        self.task_gate.set()
        self.swallows = False
        self.completed = 0

    def arrange(
        self, messages: Sequence[SourceMessage], pending: PendingContext
    ) -> list[ExecutorTask]:
        self.arranged.append([m.offset for m in messages])
        self._pass(self.arrange_gate)
        ready = {b'task': PrecomputedResult(), b'run': None}
        return [
            ExecutorTask(source_offsets=[m.offset], precomputed=ready[m.value])
            for m in messages
            if m.value in ready
        ]

    def on_task_complete(self, result: Any) -> list[Payload]:
        self.completed += 1
        self._pass(self.task_gate)
        return [Payload({})]

    def _pass(self, gate: Event) -> None:
        while not gate.is_set():
            try:
                gate.wait()
            except gevent.GreenletExit:
                if not self.swallows:
                    raise


class Held(Delivery):
    """Keeps what it is given until `deliver_all`."""

    def __init__(self) -> None:
        self.waiting: list[Any] = []
        self.submitted = 0

    def submit(self, payloads: Any, provenance: Any, on_done: Any) -> None:
        self.submitted += 1
        self.waiting.append(on_done)

    dead_letter = submit

    def snapshot(self) -> list[Any]:
        return []

    def deliver_all(self) -> None:
        waiting, self.waiting = self.waiting, []
        for on_done in waiting:
            on_done()


class Started:
    """An executor whose runs end when the test says so."""

    def __init__(self) -> None:
        self.runs: list[Any] = []

    def submit(self, task: ExecutorTask, priority: Any, on_done: Any, attempt: int) -> Any:
        self.runs.append((task, on_done))
        return SimpleNamespace(cancel=lambda: None)

    def end_all(self) -> None:
        for task, on_done in self.runs:
            on_done(ExecutorResult(task))


class World(Observer):
    def __init__(self) -> None:
        self.handler, self.delivery, self.executor = Gated(), Held(), Started()
        self.total = 0
        self.marks: list[int] = []
        self.deaths: list[tuple[str, BaseException]] = []
        parts = Parts(
            hooks=Hooks(self.handler, self),
            decoder=Decoder(self.handler),
            executor=self.executor,  # type: ignore[arg-type]
            delivery=self.delivery,
            observer=self,
            options=SimpleNamespace(window_size=3, max_retries=0),
            on_parse_error='skip',
            origin='test',
            committable=lambda partition, offset: self.marks.append(offset),
            finished=self.finished,
            failed=lambda name, error: self.deaths.append((name, error)),
        )
        self.processor = PartitionProcessor(PARTITION, parts)

    @property
    def starts_over(self) -> bool:
        return self.processor._starting_over

    def finished(self, count: int) -> None:
        self.total -= count
        assert self.total >= 0

    def offer(self, *offsets: int, value: bytes = b'') -> None:
        self.total += len(offsets)
        self.processor.offer([SourceMessage('t', 0, offset, value) for offset in offsets])


def a_while() -> None:
    """Let go on what may; what is asserted next must not have changed by it."""
    gevent.sleep(0.01)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(Nursery.kill, '__defaults__', (0.05,))
    world = World()
    yield world
    world.handler.arrange_gate.set()
    world.handler.task_gate.set()
    world.processor.cancel()
    assert world.total == 0
    assert not world.deaths


def test_windows_take_what_waits_up_to_their_size(world: World) -> None:
    world.offer(0, 1, 2, 3, 7)
    until(lambda: world.marks == [3, 8])
    assert world.handler.arranged == [[0, 1, 2], [3, 7]]


def test_offsets_that_go_back_wait_for_what_is_in_flight_and_begin_anew(world: World) -> None:
    """Whether they are repeated or new (a topic made anew), none is lost or committed early."""
    world.offer(5, 6, value=b'task')
    until(lambda: len(world.delivery.waiting) == 2)
    world.offer(7, 6, 7, 8)
    until(lambda: world.handler.arranged == [[5, 6], [7]])
    a_while()
    assert world.handler.arranged == [[5, 6], [7]]
    assert world.marks == []
    world.delivery.deliver_all()
    until(lambda: world.total == 0)
    assert world.handler.arranged[2:] == [[6, 7, 8]]
    assert world.marks == [6, 8, 9]


def test_a_drain_is_not_fooled_by_an_earlier_fresh_start(world: World) -> None:
    world.offer(5, value=b'task')
    until(lambda: world.delivery.waiting)
    world.offer(5, value=b'task')
    until(lambda: world.starts_over)
    world.delivery.deliver_all()
    until(lambda: world.delivery.waiting)
    draining = gevent.spawn(world.processor.drain, 10)
    a_while()
    assert not draining.ready()
    world.delivery.deliver_all()
    assert draining.get() is True


def test_a_drain_during_a_fresh_start_waits_for_what_is_in_flight(world: World) -> None:
    world.offer(5, value=b'task')
    until(lambda: world.delivery.waiting)
    world.offer(1, 2)
    until(lambda: world.starts_over)
    draining = gevent.spawn(world.processor.drain, 10)
    a_while()
    assert not draining.ready()
    assert world.total == 1
    world.delivery.deliver_all()
    assert draining.get() is True
    assert world.marks == [6]
    assert world.handler.arranged == [[5]]


def test_what_only_waits_is_forgotten_by_a_drain(world: World) -> None:
    world.handler.arrange_gate.clear()
    world.offer(*range(10))
    until(lambda: world.handler.arranged)
    draining = gevent.spawn(world.processor.drain, 10)
    until(lambda: world.total == 3)
    world.offer(10)
    assert world.total == 3
    world.handler.arrange_gate.set()
    assert draining.get() is True
    assert world.marks == [3]


@pytest.mark.parametrize('swallows', [False, True])
@pytest.mark.parametrize('value', [b'task', b''])
def test_a_hook_that_outlives_its_assignment_changes_nothing(
    world: World, swallows: bool, value: bytes
) -> None:
    world.handler.swallows = swallows
    world.handler.arrange_gate.clear()
    world.handler.task_gate.clear()
    world.offer(*range(5), value=value)
    until(lambda: world.handler.arranged)
    world.processor.abandon()
    assert world.total == 0
    world.processor.cancel()
    world.handler.arrange_gate.set()
    world.handler.task_gate.set()
    a_while()
    assert not world.marks
    assert not world.delivery.submitted
    assert world.processor.in_flight_tasks == 0


def test_a_completion_hook_that_outlives_its_assignment_delivers_nothing(world: World) -> None:
    world.handler.swallows = True
    world.handler.task_gate.clear()
    world.offer(0, value=b'task')
    until(lambda: world.handler.completed)
    world.processor.cancel()
    world.handler.task_gate.set()
    a_while()
    assert not world.delivery.submitted


def test_a_late_result_of_an_abandoned_partition_reaches_no_hook(world: World) -> None:
    world.offer(0, 1, value=b'run')
    until(lambda: len(world.executor.runs) == 2)
    world.processor.cancel()
    world.executor.end_all()
    a_while()
    assert not world.handler.completed


def test_late_deliveries_of_an_abandoned_partition_mark_nothing(world: World) -> None:
    world.offer(0, 1, value=b'task')
    until(lambda: len(world.delivery.waiting) == 2)
    world.processor.abandon()
    world.delivery.deliver_all()
    assert not world.marks


def test_being_given_up_twice_at_once_counts_once(world: World) -> None:
    world.handler.swallows = True
    world.handler.task_gate.clear()
    world.offer(0, 1, value=b'task')
    world.offer(*range(2, 20))
    until(lambda: world.processor.in_flight_tasks)
    gevent.joinall([gevent.spawn(world.processor.cancel) for _ in range(2)])
    assert world.total == 0


def test_abandoning_ends_a_drain_as_unclean(world: World) -> None:
    world.offer(0, value=b'task')
    until(lambda: world.delivery.waiting)
    draining = gevent.spawn(world.processor.drain, 60)
    gevent.sleep(0)
    world.processor.abandon()
    assert draining.get(timeout=5) is False


def test_a_snapshot_tells_what_waits_and_what_is_under_way(world: World) -> None:
    world.handler.arrange_gate.clear()
    world.offer(*range(5))
    until(lambda: world.handler.arranged)
    snapshot = world.processor.snapshot()
    assert (snapshot.queued, snapshot.pending, snapshot.draining) == (2, 3, False)
    assert (snapshot.consumed_total, snapshot.completed_total) == (5, 0)
