"""A probe leaves nothing behind: not in a sink, the source, an observer, a counter or a cache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import generate_latest

import drakkar.api as dk
from drakkar.testing import WorkerHarness
from tests.pipeline.handlers import FAST_RETRIES, Lost, Out
from tests.worker.probe.handlers import Everyone, Everything

pytestmark = pytest.mark.slow

# They go by the clock.
BY_THE_CLOCK = ('idle', 'hub_lag', '_created')


class Caching(Everything):
    """Fails in each way that there is, and keeps what it may."""

    kept: list[str] = []  # noqa: RUF012 - stands for a cache of the process

    def arrange(self, messages: Any, pending: dk.PendingContext) -> list[dk.ExecutorTask]:
        if not dk.probing():
            self.kept.append('arrange')
        return super().arrange(messages, pending)

    def on_task_complete(self, result: dk.ExecutorResult) -> list[dk.Payload]:
        if 'lost' in result.stdout:
            return [Lost({})]
        if 'raise' in result.stdout:
            raise ValueError('asked to')
        return super().on_task_complete(result)


@pytest.fixture
def world() -> Iterator[tuple[WorkerHarness, Everyone]]:
    """A worker that has worked, so that all counters have a value."""
    Caching.kept.clear()
    everyone = Everyone()
    run = WorkerHarness(Caching, sinks=[Out], observers=[everyone], config=FAST_RETRIES)
    with run:
        run.send([{'name': 'real', 'run': 'echo real'}])
        run.wait_for(lambda: run.committed == {0: 1})
        run.wait_for(lambda: 'committed' in everyone.heard)
        yield run, everyone


def counted(run: WorkerHarness) -> list[str]:
    lines = generate_latest(run.worker.parts.registry).decode().splitlines()
    return [line for line in lines if not any(word in line for word in BY_THE_CLOCK)]


def footprint(run: WorkerHarness, everyone: Everyone) -> dict[str, Any]:
    snapshot = run.worker.snapshot()
    return {
        'heard': list(everyone.heard),
        'sinks': [p.describe() for p in run.payloads],
        'sink stats': [(s.sink, s.delivered, s.errors, s.queued) for s in snapshot.sinks],
        'dead letters': len(run.dead_letters),
        'committed': run.committed,
        'partitions': [(p.partition, p.consumed_total, p.pending) for p in snapshot.partitions],
        'pool': (snapshot.pool.active, snapshot.pool.waiting),
        'metrics': counted(run),
        'kept': list(Caching.kept),
        'greenlets': run.worker.greenlets.names(),
    }


@pytest.mark.parametrize(
    ('value', 'fields'),
    [
        ({'name': 'all', 'runs': ['echo one', 'echo two']}, {}),
        ({'name': 'failing', 'run': 'exit 3'}, {}),
        ({'name': 'raising', 'run': 'echo raise'}, {}),
        ({'name': 'unroutable', 'run': 'echo lost'}, {}),
        ({'name': 'slow', 'run': 'sleep 60'}, {'timeout_seconds': 0.2}),
        ({'wrong': 'no name, no label'}, {}),
        (b'not JSON', {}),
        (None, {}),
    ],
    ids=lambda value: str(value)[:24],
)
def test_it_leaves_none(
    world: tuple[WorkerHarness, Everyone], value: Any, fields: dict[str, Any]
) -> None:
    run, everyone = world
    before = footprint(run, everyone)
    # The offset that the worker is at: a commit by the probe would move it.
    report = run.probe(value, topic='memory', partition=0, offset=1, **fields)
    assert report['status'] in ('completed', 'timeout')
    assert footprint(run, everyone) == before


def test_annotations_go_to_the_report_and_nowhere_else(
    world: tuple[WorkerHarness, Everyone],
) -> None:
    run, everyone = world
    told = everyone.heard.count('annotation')
    report = run.probe({'name': 'notes', 'run': 'echo one'})
    assert [a['value'] for a in report['annotations']] == [
        {'hook': 'task'},
        {'hook': 'message'},
        {'hook': 'window'},
    ]
    assert everyone.heard.count('annotation') == told == 3  # of the real message


def test_the_real_work_goes_on_meanwhile(world: tuple[WorkerHarness, Everyone]) -> None:
    run, _ = world
    done = len(run.record.done)
    run.send([{'name': 'real', 'run': 'echo real'}])
    run.probe({'name': 'slow', 'run': 'sleep 60'}, timeout_seconds=0.5)
    run.wait_for(lambda: len(run.record.done) == done + 1)
    assert Caching.kept.count('arrange') == done + 1
