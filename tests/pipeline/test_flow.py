"""Messages that go well, through a real pool and real delivery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import drakkar.api as dk
from drakkar.testing import WorkerHarness, run_handler
from tests.pipeline.handlers import Out, ShellHandler, shell


def outputs(run: WorkerHarness) -> list[Any]:
    return [payload.data for payload in run.payloads]


def test_a_message_becomes_a_task_a_payload_and_a_commit() -> None:
    run = run_handler(ShellHandler, [{'run': 'echo one'}, {'run': 'echo two'}], sinks=[Out])
    assert sorted(outputs(run)) == ['one', 'two']
    assert run.committed == {0: 2}
    assert not run.dead_letters
    task = run.record.tasks[0]
    assert (task.origin, task.topic, task.partition) == ('memory', 'messages', 0)


def test_a_message_without_tasks_is_complete_at_once() -> None:
    run = run_handler(ShellHandler, [{}] * 5, sinks=[Out])
    assert run.committed == {0: 5}
    assert not run.record.tasks


def test_a_message_fans_out_and_waits_for_all_its_tasks() -> None:
    run = run_handler(ShellHandler, [{'runs': [f'echo {i}' for i in range(20)]}], sinks=[Out])
    assert sorted(outputs(run), key=int) == [str(i) for i in range(20)]
    assert run.committed == {0: 1}


class FanIn(ShellHandler):
    groups: ClassVar[list[dk.MessageGroup]] = []

    def arrange(
        self, messages: Sequence[dk.SourceMessage], pending: dk.PendingContext
    ) -> list[dk.ExecutorTask]:
        return [shell('echo shared', [m.offset for m in messages])]

    def on_message_complete(self, group: dk.MessageGroup) -> list[dk.Payload]:
        return [Out((group.source_message.offset, group.results[0].stdout))]


def test_one_task_serves_many_messages() -> None:
    with WorkerHarness(FanIn, sinks=[Out]) as run:
        run.send([{}] * 3)
        run.wait_for(lambda: len(run.record.done) == 3)
    runs = len(run.record.results)
    assert sorted(o for o in outputs(run) if isinstance(o, tuple)) == [
        (0, 'shared\n'),
        (1, 'shared\n'),
        (2, 'shared\n'),
    ]
    assert outputs(run).count('shared') == runs
    assert run.committed == {0: 3}


class Aggregates(ShellHandler):
    def on_task_complete(self, result: dk.ExecutorResult) -> None:
        return None

    def on_error(self, task: dk.ExecutorTask, error: dk.ExecutorError) -> dk.Action:
        return dk.SKIP

    def on_message_complete(self, group: dk.MessageGroup) -> list[dk.Payload]:
        figures = (group.total, group.succeeded, group.failed, group.is_empty)
        return [Out((*figures, group.all_succeeded, group.any_failed))]


def test_on_message_complete_sees_the_whole_group() -> None:
    messages = [{'runs': ['true', 'exit 3', 'true']}, {'run': 'true'}, {}]
    run = run_handler(Aggregates, messages, sinks=[Out])
    assert sorted(outputs(run)) == [
        (0, 0, 0, True, True, False),
        (1, 1, 0, False, True, False),
        (3, 2, 1, False, False, True),
    ]


class Windows(ShellHandler):
    def on_task_complete(self, result: dk.ExecutorResult) -> None:
        return None

    def on_window_complete(
        self, results: Sequence[dk.ExecutorResult], messages: Sequence[dk.SourceMessage]
    ) -> list[dk.Payload]:
        return [Out((len(messages), sorted(r.stdout for r in results)))]


def test_on_window_complete_sees_all_and_its_payload_is_waited_for() -> None:
    with WorkerHarness(Windows, sinks=[Out], config={'executor': {'window_size': 4}}) as run:
        run.sinks['out.captured'].failures += [ConnectionError('away')] * 2
        run.send([{'run': f'echo {i}'} for i in range(3)])
        run.wait_for(lambda: len(run.record.done) == 3)
        # Nothing is committed before the window's own payload is safe.
        assert outputs(run)
    messages = sum(count for count, _ in outputs(run))
    lines = sorted(line for _, results in outputs(run) for line in results)
    assert (messages, lines) == (3, ['0\n', '1\n', '2\n'])
    assert run.committed == {0: 3}


class Precomputed(dk.Handler):
    def arrange(
        self, messages: Sequence[dk.SourceMessage], pending: dk.PendingContext
    ) -> list[dk.ExecutorTask]:
        return [
            dk.ExecutorTask(
                source_offsets=[m.offset],
                precomputed=dk.PrecomputedResult('cached', exit_code=m.payload),
            )
            for m in messages
        ]

    def on_task_complete(self, result: dk.ExecutorResult) -> list[dk.Payload]:
        return [Out((result.stdout, result.pid))]

    def on_error(self, task: dk.ExecutorTask, error: dk.ExecutorError) -> list[dk.ExecutorTask]:
        return [shell(f'echo ran after {error.exit_code}', [])]


def test_precomputed_results_skip_the_pool_and_their_failures_are_decided_on() -> None:
    run = run_handler(Precomputed, [0, 7], sinks=[Out])
    assert ('cached', None) in outputs(run)
    (ran,) = [o for o in outputs(run) if o[0].startswith('ran after 7')]
    assert ran[1] is not None


class Priorities(ShellHandler):
    def task_priority(self, task: dk.ExecutorTask) -> Any:
        if task.source_offsets[0] == 3:
            raise RuntimeError('no idea')
        return -task.source_offsets[0]


def test_waiting_tasks_leave_by_priority_and_a_raising_one_by_its_offset() -> None:
    config = {'executor': {'max_executors': 1, 'backpressure_high_multiplier': 20}}
    with WorkerHarness(Priorities, sinks=[Out], config=config) as run:
        run.send([{'run': f'echo {i}'} for i in range(6)])
        run.wait_for(lambda: len(run.record.done) == 6)
    ran = [int(r.stdout) for r in run.record.results]
    # The first is whichever reached the free slot; 3 fell back to +3, which is last.
    assert ran[1:] == sorted(ran[1:], key=lambda o: 3 if o == 3 else -o)
    assert {hook for hook, _ in run.record.hook_errors} == {'task_priority'}


def test_windows_of_a_partition_are_in_flight_together() -> None:
    config = {'executor': {'window_size': 1, 'max_executors': 3}}
    with WorkerHarness(ShellHandler, sinks=[Out], config=config) as run:
        run.send([{'run': 'true'}, {'run': 'exec sleep 30'}, {'run': 'exec sleep 30'}])
        run.wait_for(lambda: run.worker.snapshot().pool.active == 2 and run.committed == {0: 1})
        assert run.worker.snapshot().partitions[0].pending == 2
        run.source.lose(0)
        run.wait_for(lambda: run.worker.snapshot().pool.active == 0)


class Dedupe(ShellHandler):
    seen: ClassVar[list[tuple[int, set[str]]]] = []

    def arrange(
        self, messages: Sequence[dk.SourceMessage], pending: dk.PendingContext
    ) -> list[dk.ExecutorTask]:
        type(self).seen.append((len(pending), pending.task_ids))
        return super().arrange(messages, pending)


def test_pending_shows_the_tasks_in_flight() -> None:
    Dedupe.seen.clear()
    config = {'executor': {'window_size': 1}}
    with WorkerHarness(Dedupe, sinks=[Out], config=config) as run:
        run.send([{'run': 'sleep 0.2'}])
        run.wait_for(lambda: run.record.tasks)
        run.send([{'run': 'true'}])
        run.wait_for(lambda: len(run.record.done) == 2)
    first = run.record.tasks[0].task_id
    assert Dedupe.seen[:2] == [(0, set()), (1, {first})]
