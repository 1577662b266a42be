"""Partitions and workers that end while there is work: nothing lost, nothing done twice at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

import drakkar.api as dk
from drakkar.errors import DeadLetterError, DrainTimeoutError, DrakkarError, SourceError
from drakkar.models.task import FailureKind
from drakkar.testing import WorkerHarness
from tests.pipeline.handlers import FAST_RETRIES, Out, ShellHandler

pytestmark = pytest.mark.slow


def sleepers() -> list[psutil.Process]:
    return [p for p in psutil.Process().children(recursive=True) if 'sleep 1234' in _command(p)]


def _command(process: psutil.Process) -> str:
    try:
        return ' '.join(process.cmdline())
    except psutil.Error:
        return ''


class Ears(ShellHandler):
    heard: list[tuple[str, list[int]]]

    def __init__(self) -> None:
        self.heard = []

    def on_assign(self, partitions: Sequence[dk.TopicPartition]) -> None:
        self.heard.append(('assign', [p.partition for p in partitions]))

    def on_revoke(self, partitions: Sequence[dk.TopicPartition]) -> None:
        self.heard.append(('revoke', [p.partition for p in partitions]))
        if len(partitions) > 1:
            raise RuntimeError('a hook that raises changes nothing')


def test_a_revoked_partition_finishes_its_windows_commits_and_is_released(tmp_path: Path) -> None:
    gate = tmp_path / 'gate'
    script = f'while [ ! -e {gate} ]; do sleep 0.01; done; echo late'
    with WorkerHarness(Ears, sinks=[Out], partitions=2) as run:
        run.send([{'run': script}])
        run.send([{'run': 'echo other'}], partition=1)
        run.wait_for(lambda: run.committed == {1: 1})
        run.source.revoke(0)
        run.wait_for(lambda: any(p.draining for p in run.worker.snapshot().partitions))
        run.send([{'run': 'echo next owner'}])
        run.send([{'run': 'echo stays'}], partition=1)
        run.wait_for(lambda: run.committed == {1: 2})  # a partition that stays goes on
        assert not run.source.released
        gate.touch()
        run.wait_for(lambda: run.source.released)
        assert run.committed == {0: 1, 1: 2}
        assert isinstance(run.handler, Ears)
        assert run.handler.heard == [('assign', [0, 1]), ('revoke', [0])]
    assert sorted(p.data for p in run.payloads) == ['late', 'other', 'stays']


def test_a_drain_that_times_out_kills_its_programs_and_does_not_commit() -> None:
    config = {'executor': {'drain_timeout_seconds': 0.2, 'kill_grace_seconds': 0.2}}
    with WorkerHarness(Ears, sinks=[Out], partitions=2, config=config) as run:
        run.send([{'runs': ['exec sleep 1234', 'echo done']}])
        run.wait_for(lambda: len(run.record.results) == 1 and sleepers())
        run.source.revoke(0, 1)
        run.wait_for(lambda: len(run.source.released) == 2)
        run.wait_for(lambda: not sleepers())
        assert run.committed == {}
        assert run.worker.snapshot().total_queued == 0
        assert [hook for hook, _ in run.record.hook_errors] == ['on_revoke']


def test_a_lost_partition_is_cancelled_and_never_committed() -> None:
    with WorkerHarness(ShellHandler, sinks=[Out]) as run:
        run.send([{'run': 'echo first'}])
        run.wait_for(lambda: run.committed == {0: 1})
        run.send([{'run': 'exec sleep 1234'}])
        run.wait_for(sleepers)
        run.source.lose(0)
        run.wait_for(lambda: not sleepers())
        run.wait_for(lambda: not run.worker.snapshot().partitions)
        assert run.committed == {0: 1}
        assert run.worker.snapshot().total_queued == 0
        run.wait_for(lambda: run.record.errors)
        ((error, action),) = run.record.errors  # observers hear of the end, the handler does not
        assert (error.kind, action) == (FailureKind.CANCELLED, 'cancelled')


def test_a_partition_that_comes_back_during_its_drain_starts_over(tmp_path: Path) -> None:
    marker = tmp_path / 'second'
    script = f'[ -e {marker} ] && echo again && exit; exec sleep 1234'
    with WorkerHarness(ShellHandler, sinks=[Out]) as run:
        run.send([{'run': script}])
        run.wait_for(sleepers)
        run.source.revoke(0)
        run.wait_for(lambda: run.worker.snapshot().partitions[0].draining)
        marker.touch()
        run.source.assign(0)
        run.wait_for(lambda: run.committed == {0: 1})
        run.wait_for(lambda: not sleepers())
    assert [p.data for p in run.payloads] == ['again']


def test_stopping_finishes_what_is_in_flight() -> None:
    run = WorkerHarness(Ears, sinks=[Out])
    with run:
        run.send([{'run': f'sleep 0.1; echo {i}'} for i in range(3)])
        run.wait_for(lambda: run.worker.snapshot().pool.active)
    # Whatever was started is delivered and committed, and nothing else is.
    assert run.committed.get(0, 0) == len(run.payloads) > 0
    assert run.source.closed
    assert isinstance(run.handler, Ears)
    assert run.handler.heard == [('assign', [0]), ('revoke', [0])]


def test_a_shutdown_that_can_not_drain_says_what_was_left() -> None:
    config = {'executor': {'drain_timeout_seconds': 0.2, 'kill_grace_seconds': 0.2}}
    run = WorkerHarness(ShellHandler, sinks=[Out], config=config)
    run.running.start()
    run.send([{'run': 'exec sleep 1234'}])
    run.wait_for(sleepers)
    with pytest.raises(DrainTimeoutError, match='messages:0') as caught:
        run.stop()
    assert caught.value.exit_code == 4
    assert not sleepers()
    assert run.committed == {}


def test_a_dying_greenlet_ends_the_worker_with_its_name() -> None:
    run = WorkerHarness(ShellHandler, sinks=[Out])
    run.source.fail('poll', ZeroDivisionError('by design'))
    run.running.start()
    with pytest.raises(DrakkarError, match='poll-loop died: ZeroDivisionError: by design'):
        run.running.get(timeout=20)
    assert run.source.closed


# The outside world is away for a while


def test_failed_polls_and_commits_are_tried_again() -> None:
    config = {'source': {'error_backoff_seconds': 0.01}}
    with WorkerHarness(ShellHandler, sinks=[Out], config=config) as run:
        run.source.fail('poll', SourceError('away'), times=2)
        run.source.fail('commit', SourceError('away'), times=3)
        run.send([{'run': 'echo x'}])
        run.wait_for(lambda: run.committed == {0: 1})


def test_commits_are_coalesced() -> None:
    config = {'source': {'commit_interval_ms': 200}}
    with WorkerHarness(ShellHandler, sinks=[Out], config=config) as run:
        run.send([{}] * 300)
        run.wait_for(lambda: run.committed == {0: 300})
    assert len(run.source.commits) <= 3


def test_without_sink_and_dead_letters_the_partition_stalls_and_recovers() -> None:
    config: dict[str, Any] = {
        'executor': FAST_RETRIES['executor'],
        'sinks': {'max_retries': 0},
        'dlq': {'retry_backoff_seconds': 0.01, 'retry_backoff_max_seconds': 0.02},
    }
    with WorkerHarness(ShellHandler, sinks=[Out], config=config) as run:
        away = [DeadLetterError('disk full')] * 10**6
        run.dead_letter_queue.failures = away
        run.sinks['out.captured'].failures = [ConnectionError('away')] * 10**6
        run.send([{'run': 'echo precious'}])
        run.wait_for(lambda: run.worker.snapshot().stalled == 1)
        assert any('neither delivered' in r for r in run.worker.reasons_not_ready())
        assert run.committed == {}
        run.dead_letter_queue.failures = []
        run.wait_for(lambda: run.committed == {0: 1})
        assert run.worker.reasons_not_ready() == []
    (letter,) = run.dead_letters
    assert letter.message.value == b'{"run":"echo precious"}'


def test_the_source_is_paused_while_there_is_too_much_and_resumed_after(tmp_path: Path) -> None:
    gate = tmp_path / 'gate'
    config = {
        'executor': {
            'max_executors': 1,
            'window_size': 2,
            'backpressure_high_multiplier': 8,
            'backpressure_low_multiplier': 2,
        }
    }
    with WorkerHarness(ShellHandler, sinks=[Out], config=config) as run:
        run.send([{'run': f'while [ ! -e {gate} ]; do sleep 0.01; done'}] * 40)
        run.wait_for(lambda: run.record.pauses == [True])
        assert run.worker.snapshot().total_queued == 8
        assert run.source.paused
        gate.touch()
        run.wait_for(lambda: run.committed == {0: 40})
        assert run.record.pauses[1] is False
        assert not run.source.paused
