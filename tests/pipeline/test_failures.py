"""Programs and hooks that fail: where each ends, and that no message is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import gevent
import pytest

import drakkar.api as dk
from drakkar.testing import WorkerHarness, run_handler
from tests.pipeline.handlers import FAST_RETRIES, Lost, Out, ShellHandler, shell


def test_a_failing_program_is_retried_until_it_works(tmp_path: Path) -> None:
    script = f'echo x >> {tmp_path}/runs; [ $(wc -l < {tmp_path}/runs) -ge 3 ] && echo fine'
    run = run_handler(ShellHandler, [{'run': script}], sinks=[Out], config=FAST_RETRIES)
    assert [p.data for p in run.payloads] == ['fine']
    assert [action for _, action in run.record.errors] == ['retry', 'retry']
    assert [error.attempt for error, _ in run.record.errors] == [1, 2]
    assert run.record.results[0].attempt == 3


def test_exhausted_retries_end_in_the_dead_letter_queue() -> None:
    config = {'executor': {**FAST_RETRIES['executor'], 'max_retries': 2}}
    script = 'echo broken >&2; exit 4'
    run = run_handler(ShellHandler, [{'run': script}], sinks=[Out], config=config)
    (letter,) = run.dead_letters
    assert (letter.stage, letter.attempts) == ('execute', 3)
    assert letter.error == 'exit code 4: broken'
    assert letter.message.offset == 0
    assert run.committed == {0: 1}


class Decides(ShellHandler):
    answer: Any = dk.SKIP

    def on_error(self, task: dk.ExecutorTask, error: dk.ExecutorError) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_skip_completes_the_message_with_nothing_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Decides, 'answer', dk.SKIP)
    run = run_handler(Decides, [{'run': 'exit 1'}], sinks=[Out])
    assert not run.dead_letters
    assert not run.payloads
    assert run.committed == {0: 1}


@pytest.mark.parametrize('answer', [dk.DLQ, None, ValueError('boom')])
def test_dlq_and_unusable_answers_dead_letter(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Decides, 'answer', answer)
    run = run_handler(Decides, [{'run': 'exit 1'}], sinks=[Out])
    assert [letter.stage for letter in run.dead_letters] == ['execute']
    assert run.committed == {0: 1}


class Replaces(ShellHandler):
    groups: ClassVar[list[dk.MessageGroup]] = []

    def on_error(self, task: dk.ExecutorTask, error: dk.ExecutorError) -> Any:
        return [shell('echo smaller', []), shell('echo pieces', [])]

    def on_message_complete(self, group: dk.MessageGroup) -> None:
        self.groups.append(group)


def test_replacements_take_the_place_of_the_failed_task() -> None:
    Replaces.groups.clear()
    run = run_handler(Replaces, [{'run': 'exit 1'}], sinks=[Out])
    assert sorted(p.data for p in run.payloads) == ['pieces', 'smaller']
    (group,) = Replaces.groups
    assert (group.replaced, group.total, group.succeeded) == (1, 2, 2)
    original = run.record.tasks[0].task_id
    assert [t.parent_task_id for t in group.tasks] == [None, original, original]


def test_a_program_that_can_not_be_started_is_a_failure_like_any_other() -> None:
    class Missing(ShellHandler):
        def arrange(
            self, messages: Sequence[dk.SourceMessage], pending: dk.PendingContext
        ) -> list[dk.ExecutorTask]:
            return [dk.ExecutorTask(binary_path='/no/such', source_offsets=[0])]

        def on_error(self, task: dk.ExecutorTask, error: dk.ExecutorError) -> dk.Action:
            assert error.kind is dk.FailureKind.SPAWN
            return dk.DLQ

    run = run_handler(Missing, [{}], sinks=[Out])
    (letter,) = run.dead_letters
    assert '/no/such' in letter.error
    assert not run.record.hook_errors


# Hooks that raise


class ArrangeFails(ShellHandler):
    failures = 0

    def arrange(
        self, messages: Sequence[dk.SourceMessage], pending: dk.PendingContext
    ) -> list[dk.ExecutorTask]:
        type(self).failures -= 1
        if self.failures >= 0:
            raise RuntimeError('can not arrange')
        return super().arrange(messages, pending)


def test_a_raising_arrange_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ArrangeFails, 'failures', 2)
    run = run_handler(ArrangeFails, [{'run': 'echo ok'}], sinks=[Out], config=FAST_RETRIES)
    assert [p.data for p in run.payloads] == ['ok']
    assert [hook for hook, _ in run.record.hook_errors] == ['arrange'] * 2


def test_an_arrange_that_goes_on_raising_dead_letters_its_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ArrangeFails, 'failures', 10**6)
    run = run_handler(ArrangeFails, [{}, {}], sinks=[Out], config=FAST_RETRIES)
    assert sorted(letter.message.offset for letter in run.dead_letters) == [0, 1]
    letter = run.dead_letters[0]
    assert (letter.stage, letter.error, letter.attempts) == ('arrange', 'can not arrange', 4)
    assert 'RuntimeError' in letter.traceback
    assert run.committed == {0: 2}


class HooksFail(ShellHandler):
    broken = ''

    def on_task_complete(self, result: dk.ExecutorResult) -> list[dk.Payload]:
        return self._answer('on_task_complete')

    def on_message_complete(self, group: dk.MessageGroup) -> list[dk.Payload]:
        return self._answer('on_message_complete')

    def on_window_complete(
        self, results: Sequence[dk.ExecutorResult], messages: Sequence[dk.SourceMessage]
    ) -> list[dk.Payload]:
        return self._answer('on_window_complete')

    def _answer(self, hook: str) -> list[dk.Payload]:
        if hook == self.broken:
            raise RuntimeError(f'{hook} broke')
        return [Out(hook)]


@pytest.mark.parametrize('hook', ['on_task_complete', 'on_message_complete', 'on_window_complete'])
def test_a_raising_completion_hook_dead_letters_its_message(
    hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HooksFail, 'broken', hook)
    run = run_handler(HooksFail, [{'run': 'true'}], sinks=[Out])
    (letter,) = run.dead_letters
    assert (letter.stage, letter.error) == ('hook', f'{hook} broke')
    assert len(run.payloads) == 2  # the other two hooks
    assert run.committed == {0: 1}
    assert [name for name, _ in run.record.hook_errors] == [hook]


def test_payloads_for_a_sink_that_is_not_configured_dead_letter_before_any_is_sent() -> None:
    class Misroutes(ShellHandler):
        def on_task_complete(self, result: dk.ExecutorResult) -> list[dk.Payload]:
            return [Out('never sent'), Lost({})]

    run = run_handler(Misroutes, [{'run': 'true'}], sinks=[Out])
    assert not run.payloads
    (letter,) = run.dead_letters
    assert 'nowhere' in letter.error
    assert run.committed == {0: 1}


# Hooks that raise what is no Exception


class Escapes(ShellHandler):
    """Raises something else than an Exception in one of its hooks."""

    hook = ''
    error: ClassVar[BaseException]

    def arrange(
        self, messages: Sequence[dk.SourceMessage], pending: dk.PendingContext
    ) -> list[dk.ExecutorTask]:
        self._escape('arrange')
        return super().arrange(messages, pending)

    def task_priority(self, task: dk.ExecutorTask) -> Any:
        self._escape('task_priority')
        return super().task_priority(task)

    def on_error(self, task: dk.ExecutorTask, error: dk.ExecutorError) -> dk.Action:
        self._escape('on_error')
        return dk.DLQ

    def on_task_complete(self, result: dk.ExecutorResult) -> list[dk.Payload]:
        self._escape('on_task_complete')
        return [Out('x')]

    def on_message_complete(self, group: dk.MessageGroup) -> None:
        self._escape('on_message_complete')

    def on_window_complete(
        self, results: Sequence[dk.ExecutorResult], messages: Sequence[dk.SourceMessage]
    ) -> None:
        self._escape('on_window_complete')

    def on_delivery_error(self, error: dk.DeliveryFailure) -> dk.Action:
        self._escape('on_delivery_error')
        return dk.DLQ

    def on_assign(self, partitions: Sequence[dk.TopicPartition]) -> None:
        self._escape('on_assign')

    def _escape(self, hook: str) -> None:
        if hook == self.hook:
            raise self.error


ESCAPES = [SystemExit(0), gevent.Timeout(1), gevent.GreenletExit(), asyncio.CancelledError()]
LETTERS = {
    'arrange': ['arrange'],
    'on_error': ['execute'],
    'on_task_complete': ['hook'],
    'on_message_complete': ['hook'],
    'on_window_complete': ['hook'],
    'on_delivery_error': ['deliver'],
    'task_priority': [],
    'on_assign': [],
}


@pytest.mark.parametrize('error', ESCAPES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize('hook', LETTERS)
def test_nothing_that_a_hook_raises_ends_the_worker_or_leaves_a_message_open(
    hook: str, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Escapes, 'hook', hook)
    monkeypatch.setattr(Escapes, 'error', error, raising=False)
    config = {'executor': {**FAST_RETRIES['executor'], 'max_retries': 0}}
    with WorkerHarness(Escapes, sinks=[Out], config=config) as run:
        if hook == 'on_delivery_error':
            run.sinks['out.captured'].failures.append(ValueError('sink'))
        run.send([{'run': 'exit 1' if hook == 'on_error' else 'true'}])
        run.wait_for(lambda: run.committed == {0: 1})
    assert [letter.stage for letter in run.dead_letters] == LETTERS[hook]
    assert {name for name, _ in run.record.hook_errors} == {hook}


# Handlers that break a rule


class Empties(ShellHandler):
    def arrange(
        self, messages: Sequence[dk.SourceMessage], pending: dk.PendingContext
    ) -> list[dk.ExecutorTask]:
        tasks = super().arrange(messages, pending)
        messages.clear()  # type: ignore[attr-defined]
        return tasks

    def on_window_complete(
        self, results: Sequence[dk.ExecutorResult], messages: Sequence[dk.SourceMessage]
    ) -> None:
        messages.clear()  # type: ignore[attr-defined]


def test_a_handler_that_empties_its_list_of_messages_loses_none() -> None:
    run = run_handler(Empties, [{'run': 'echo x'}, {}], sinks=[Out])
    assert run.committed == {0: 2}
    assert len(run.payloads) == 1


class NamesTasks(ShellHandler):
    """Task ids of its own, which repeat while a message of the same work is in flight."""

    def arrange(
        self, messages: Sequence[dk.SourceMessage], pending: dk.PendingContext
    ) -> list[dk.ExecutorTask]:
        return [shell(m.payload['run'], [m.offset], task_id=m.payload['run']) for m in messages]


def test_a_task_id_that_is_in_flight_is_refused_until_it_is_not(tmp_path: Path) -> None:
    gate = tmp_path / 'gate'
    config = {'executor': {**FAST_RETRIES['executor'], 'window_size': 1, 'max_retries': 10**6}}
    with WorkerHarness(NamesTasks, sinks=[Out], config=config) as run:
        run.send([{'run': f'while [ ! -e {gate} ]; do sleep 0.01; done'}] * 2)
        run.wait_for(lambda: run.record.hook_errors)
        gate.touch()
        run.wait_for(lambda: run.committed == {0: 2})
    assert 'is in flight already' in str(run.record.hook_errors[0][1])
    assert not run.dead_letters
