"""Slots, order, and what many runs leave behind."""

from __future__ import annotations

import gc
import itertools
import os
import resource
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from structlog.testing import capture_logs

from drakkar.models.task import ExecutorTask, FailureKind, TaskOutcome
from tests.executor.world import World, eventually
from tests.leaks import children, descriptors


def test_waiting_runs_go_by_priority_then_first_come(make_world: Callable[..., World]) -> None:
    world = make_world(max_executors=1)
    blocking = world.submit('sleeper')
    world.started(1)
    order: list[str] = []

    def submit(name: str, priority: Any) -> None:
        task = ExecutorTask(binary_path=world.program('args'), args=[name])
        world.submit_task(task, priority, on_done=lambda outcome: order.append(outcome.stdout))

    for name, priority in (('c', 5), ('a', 1), ('d', 5), ('b', (1 << 70) - (1 << 70) + 2)):
        submit(name, priority)
    assert world.pool.snapshot().waiting == 4
    blocking.run.cancel()
    eventually(lambda: len(order) == 4)
    assert order == ['a|', 'b|', 'c|', 'd|']


def test_priorities_that_do_not_compare_are_logged_once_and_all_run(world: World) -> None:
    with capture_logs() as logs:
        runs = [world.submit('ok', priority=p) for p in (1, 'text', None, (1,), 2, 'text')]
        assert [run.outcome().exit_code for run in runs] == [0] * 6
    assert [line['event'] for line in logs] == ['task_priority_incomparable']


def test_lowest_free_slot_works_first(make_world: Callable[..., World]) -> None:
    world = make_world(max_executors=3)
    gevent.sleep(0)
    assert [world.run('ok').slot for _ in range(3)] == [0, 0, 0]
    blocking = [world.submit('sleeper') for _ in range(2)]
    world.started(5)
    assert world.run('ok').slot == 2
    for run in blocking:
        run.run.cancel()
    assert sorted(run.outcome().slot for run in blocking) == [0, 1]


def test_never_more_than_the_slots_and_all_of_them(make_world: Callable[..., World]) -> None:
    world = make_world(max_executors=3)
    runs = [world.submit('sleeper') for _ in range(5)]
    world.started(3)
    gevent.sleep(0)
    snapshot = world.pool.snapshot()
    assert (snapshot.max_executors, snapshot.active, snapshot.waiting) == (3, 3, 2)
    assert snapshot.busy_slots == [0, 1, 2]
    runs[0].run.cancel()
    world.started(4)
    assert world.pool.snapshot().waiting == 1


def test_idle_slot_seconds_only_grow(make_world: Callable[..., World]) -> None:
    world = make_world(max_executors=2)
    assert world.run('close_stdout', '100').kind is FailureKind.EXIT
    one = world.pool.snapshot().idle_slot_seconds
    assert 0.09 <= one < 5
    run = world.submit('sleeper')
    world.started(2)
    two = world.pool.snapshot().idle_slot_seconds
    eventually(lambda: world.pool.snapshot().idle_slot_seconds > two)
    assert one <= two
    assert world.pool.snapshot().idle_slot_seconds < two + 5
    run.run.cancel()
    run.outcome()


def test_on_done_is_called_by_a_free_slot_and_may_submit(make_world: Callable[..., World]) -> None:
    world = make_world(max_executors=1)
    seen: list[tuple[int, str]] = []

    def again(outcome: TaskOutcome) -> None:
        seen.append((world.pool.snapshot().active, gevent.getcurrent().name))
        if len(seen) < 3:
            world.submit_task(ExecutorTask(binary_path=world.program('ok')), on_done=again)

    world.submit_task(ExecutorTask(binary_path=world.program('ok')), on_done=again)
    eventually(lambda: len(seen) == 3)
    assert seen == [(0, 'executor-slot-0')] * 3


def test_errors_of_callers_and_observers_are_logged_and_harm_nothing(
    make_world: Callable[..., World],
) -> None:
    world = make_world(max_executors=1)

    def fail(*args: Any) -> None:
        raise RuntimeError('not yours')

    world.observer.task_started = fail  # type: ignore[method-assign]
    with capture_logs() as logs:
        world.submit_task(ExecutorTask(binary_path=world.program('ok')), on_done=fail)
        assert world.run('ok').stdout == 'ok\n'
    assert [line['event'] for line in logs] == [
        'observer_failed',
        'on_done_failed',
        'observer_failed',
    ]


def test_runs_submitted_before_the_start_wait_for_it(make_world: Callable[..., World]) -> None:
    world = make_world(start=False)
    run = world.submit('ok')
    world.pool.start()
    assert run.outcome().stdout == 'ok\n'


def test_close_without_start_ends_what_waits(make_world: Callable[..., World]) -> None:
    world = make_world(start=False)
    run = world.submit('ok')
    world.pool.close()
    assert run.outcome().kind is FailureKind.CANCELLED


def test_failing_spawns_leave_the_hub_its_turns(world: World) -> None:
    turns = 0

    def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            gevent.sleep(0)

    counter = gevent.spawn(count)
    runs = [world.submit('/nowhere/tool') for _ in range(200)]
    assert {run.outcome().kind for run in runs} == {FailureKind.SPAWN}
    counter.kill()
    assert turns > 20


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_thousands_of_runs_leave_nothing(world: World) -> None:
    def run_many(count: int) -> None:
        done: list[int] = []
        task = ExecutorTask(binary_path=world.program('ok'))
        for number in range(count):
            world.submit_task(task, number, on_done=lambda outcome: done.append(outcome.exit_code))
        eventually(lambda: len(done) == count, timeout=120)
        assert set(done) == {0}

    def footprint() -> tuple[int, set[int], int]:
        gc.collect()
        return len(descriptors()), children(), len(gc.get_objects())

    def resident_kib() -> int:
        with open('/proc/self/statm') as statm:
            return int(statm.read().split()[1]) * resource.getpagesize() // 1024

    run_many(500)
    world.observer.pids.clear()
    before, memory = footprint(), resident_kib()
    run_many(10_000)
    for seen in (world.observer.pids, world.observer.slots, world.observer.times):
        seen.clear()
    after = footprint()
    assert after[0] <= before[0]
    assert after[1] == before[1]
    assert after[2] < before[2] + 500
    assert resident_kib() < memory + 8 * 1024
    assert os.path.exists(f'/proc/{world.pool._guard.pid}')


def test_short_programs_that_follow_each_other_leave_timers_their_turn(
    make_world: Callable[..., World],
) -> None:
    world = make_world(max_executors=4)
    runs = [world.submit('ok') for _ in range(600)]
    over = [0]
    while over[-1] < len(runs):
        gevent.sleep(0.001)
        over.append(sum(run.over for run in runs))
    most = max(after - before for before, after in itertools.pairwise(over))
    assert most < 100
