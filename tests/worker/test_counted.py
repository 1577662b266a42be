"""A pool of several pipelines counts the open runs of each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from drakkar.models.task import ExecutorTask, TaskOutcome
from drakkar.worker.counted import CountedExecutor
from tests.executor.world import World


@pytest.fixture
def pool() -> Iterator[World]:
    world = World(Path('/bin'), max_executors=2)
    yield world
    world.close()


def test_runs_of_others_are_not_waited_for(pool: World) -> None:
    mine, others = CountedExecutor(pool.pool), CountedExecutor(pool.pool)
    sleeping = others.submit(task('exec sleep 60'), 0, lambda outcome: None)
    ended: list[TaskOutcome] = []
    mine.submit(task('exit 3'), 0, ended.append)
    mine.submit(task('exit 4'), 1, ended.append)
    assert (mine.open, others.open) == (2, 1)
    assert mine.join(10)
    assert (mine.open, others.open) == (0, 1)
    assert [outcome.exit_code for outcome in ended] == [3, 4]
    assert not others.join(0.01)
    sleeping.cancel()
    assert others.join(10)


def test_it_leaves_the_pool_running(pool: World) -> None:
    counted = CountedExecutor(pool.pool)
    assert counted.join(0)
    counted.close()
    ended: list[TaskOutcome] = []
    counted.submit(task('exit 0'), 0, ended.append)
    assert counted.join(10)
    assert ended[0].exit_code == 0
    assert counted.snapshot().max_executors == 2


def task(script: str) -> ExecutorTask:
    return ExecutorTask(args=['-c', script], binary_path='/bin/sh')
