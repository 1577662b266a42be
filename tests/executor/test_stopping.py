"""Timeouts, cancellation, and what programs leave behind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import gevent
import gevent.subprocess
import pytest

from drakkar.executor import process
from drakkar.models.task import ExecutorError, ExecutorResult, FailureKind
from tests.executor.world import World, alive, eventually, group_members
from tests.leaks import descriptors

pytestmark = pytest.mark.slow  # real processes, or real seconds


@pytest.fixture
def quick(make_world: Callable[..., World]) -> World:
    """A pool whose programs are stopped after a moment, in which they can get ready."""
    return make_world(task_timeout_seconds=1, kill_grace_seconds=0.5)


def test_timeout_stops_a_program_that_heeds_sigterm(make_world: Callable[..., World]) -> None:
    world = make_world(kill_grace_seconds=60)
    outcome = world.run('sleeper', timeout_seconds=1)
    assert isinstance(outcome, ExecutorError)
    assert (outcome.kind, outcome.exit_code, outcome.stdout) == (FailureKind.TIMEOUT, 3, 'ready\n')
    assert outcome.exception == 'ran longer than 1 s'
    assert 1 <= outcome.duration_seconds < 10


def test_timeout_kills_a_group_that_ignores_sigterm(quick: World) -> None:
    submitted = quick.submit('stubborn', 'fork')
    pid = quick.started(1)
    eventually(lambda: len(group_members(pid)) == 2)
    outcome = submitted.outcome()
    assert (outcome.kind, outcome.exit_code) == (FailureKind.TIMEOUT, -9)
    assert outcome.duration_seconds >= 1.5
    assert outcome.stdout == 'ready\nready\n'
    eventually(lambda: not group_members(pid))


def test_tasks_own_timeout_wins_and_zero_is_none(quick: World) -> None:
    assert quick.run('close_stdout', '1500', timeout_seconds=0).kind is FailureKind.EXIT
    assert quick.run('close_stdout', '1500', timeout_seconds=30).kind is FailureKind.EXIT
    assert quick.run('close_stdout', '1500').kind is FailureKind.TIMEOUT


def test_a_grandchild_that_holds_the_pipe_may_finish(world: World) -> None:
    outcome = world.run('leave_child', '100')
    assert isinstance(outcome, ExecutorResult)
    assert outcome.stdout.endswith('late\n')


@pytest.mark.parametrize('session', [(), ('session',)])
def test_a_grandchild_can_hold_the_pipe_only_for_its_grace(
    world: World, session: tuple[str, ...]
) -> None:
    before = set(descriptors())
    # It holds the input as well, and never reads it.
    outcome = world.run('leave_child', '60000', *session, stdin=b'x' * (1 << 20))
    assert isinstance(outcome, ExecutorResult)
    assert 'late' not in outcome.stdout
    assert process.PIPE_GRACE_SECONDS <= outcome.duration_seconds < 5
    assert set(descriptors()) <= before
    grandchild = int(outcome.stdout)
    if session:  # it left our group: it lives on, as it asked, and holds nothing of ours
        assert alive(grandchild)
        os.kill(grandchild, signal.SIGKILL)
    eventually(lambda: not alive(grandchild))


def test_what_a_program_leaves_in_its_group_is_killed(world: World) -> None:
    outcome = world.run('leave_child', '60000', 'quiet')
    assert outcome.duration_seconds < 5
    eventually(lambda: not alive(int(outcome.stdout)))


def test_cancel_while_it_runs_kills_the_group(world: World) -> None:
    submitted = world.submit('stubborn', 'fork')
    pid = world.started(1)
    eventually(lambda: len(group_members(pid)) == 2)
    submitted.run.cancel()
    outcome = submitted.outcome()
    assert (outcome.kind, outcome.exit_code, outcome.pid) == (FailureKind.CANCELLED, -9, pid)
    eventually(lambda: not group_members(pid))
    submitted.run.cancel()
    gevent.sleep(0)
    assert submitted.calls == 1


def test_cancel_before_the_program_was_given_a_turn(world: World) -> None:
    submitted = world.submit('ok')
    submitted.run.cancel()
    submitted.run.cancel()
    outcome = submitted.outcome()
    assert (outcome.kind, outcome.slot, outcome.pid) == (FailureKind.CANCELLED, -1, None)
    assert world.observer.pids == []
    assert submitted.calls == 1


def test_cancel_while_it_waits_is_told_at_once(make_world: Callable[..., World]) -> None:
    world = make_world(max_executors=1)
    blocking = world.submit('stubborn')
    world.started(1)
    waiting, after = world.submit('ok'), world.submit('ok')
    waiting.run.cancel()
    assert not waiting.over  # never in the caller's greenlet
    assert waiting.outcome().kind is FailureKind.CANCELLED
    assert waiting.greenlet == 'executor-cancelled'
    assert not blocking.over
    blocking.run.cancel()
    assert after.outcome().stdout == 'ok\n'
    assert len(world.observer.pids) == 2


def test_cancel_during_the_write_of_its_input(world: World) -> None:
    submitted = world.submit('stubborn', stdin=b'x' * (10 << 20))
    world.started(1)
    gevent.sleep(0)
    submitted.run.cancel()
    assert submitted.outcome().kind is FailureKind.CANCELLED


def test_cancel_while_a_grandchild_holds_the_pipe(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, 'PIPE_GRACE_SECONDS', 60)
    submitted = world.submit('leave_child', '60000', 'session')
    pid = world.started(1)
    eventually(lambda: submitted.run.process.status is not None)
    assert not alive(pid)
    submitted.run.cancel()
    outcome = submitted.outcome()
    os.kill(int(outcome.stdout), signal.SIGKILL)
    assert outcome.kind is FailureKind.CANCELLED
    assert outcome.duration_seconds < 10


def test_cancel_after_the_end_does_nothing(world: World) -> None:
    submitted = world.submit('ok')
    assert isinstance(submitted.outcome(), ExecutorResult)
    assert submitted.run.process is None  # its number may be another's by now
    submitted.run.cancel()
    gevent.sleep(0)
    assert submitted.calls == 1


def test_killed_slot_ends_its_run_as_cancelled_and_reaps(make_world: Callable[..., World]) -> None:
    world = make_world(max_executors=2)
    submitted = world.submit('stubborn', 'fork', stdin=b'x' * (1 << 20))
    pid = world.started(1)
    eventually(lambda: len(group_members(pid)) == 2)
    assert world.pool._greenlets[0].name == 'executor-slot-0'
    world.pool._greenlets[0].kill(timeout=10)
    assert submitted.outcome().kind is FailureKind.CANCELLED
    assert submitted.calls == 1
    assert not os.path.exists(f'/proc/{pid}')
    eventually(lambda: not group_members(pid))
    assert world.run('ok').slot == 1


def test_killed_idle_slot_is_not_waited_for(make_world: Callable[..., World]) -> None:
    world = make_world(max_executors=2)
    world.run('ok')
    world.pool._greenlets[0].kill(timeout=10)
    assert [world.run('ok').slot for _ in range(2)] == [1, 1]


def test_close_ends_everything_and_may_be_called_again(make_world: Callable[..., World]) -> None:
    world = make_world(max_executors=2, kill_grace_seconds=60)
    runs = [world.submit('stubborn', 'fork') for _ in range(5)]
    pids = [world.started(1), world.started(2)]
    began = time.monotonic()
    world.pool.close()
    assert time.monotonic() - began < 5
    assert [run.outcome().kind for run in runs] == [FailureKind.CANCELLED] * 5
    assert [run.calls for run in runs] == [1] * 5
    assert not any(os.path.exists(f'/proc/{pid}') for pid in pids)
    world.pool.close()
    late = world.submit('ok')
    assert late.outcome().kind is FailureKind.CANCELLED
    assert world.pool.snapshot().active == 0


def test_gevents_own_subprocess_lives_beside_the_pool(world: World) -> None:
    program = world.program('fail')

    def theirs() -> list[int]:
        return [gevent.subprocess.call([program, str(n)], **quiet) for n in range(1, 6)]

    quiet = {'stdout': gevent.subprocess.DEVNULL, 'stderr': gevent.subprocess.DEVNULL}
    other = gevent.spawn(theirs)
    ours = [world.submit('fail', str(n)) for n in range(1, 30)]
    assert [run.outcome().exit_code for run in ours] == list(range(1, 30))
    assert other.get(timeout=15) == [1, 2, 3, 4, 5]
