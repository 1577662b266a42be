from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from drakkar.contracts.observer import Observer
from drakkar.errors import HandlerError
from drakkar.handler import Handler
from drakkar.models.actions import DLQ, SKIP
from drakkar.models.delivery import DeliveryFailure, SinkRef
from drakkar.models.message import SourceMessage, TopicPartition
from drakkar.models.payload import Payload
from drakkar.models.task import ExecutorResult, ExecutorTask, PendingContext
from drakkar.pipeline.hooks import Hooks

PARTITION = TopicPartition('t', 0)
MESSAGES = [SourceMessage('t', 0, offset, b'{}') for offset in (4, 5)]


class Ears(Observer):
    def __init__(self) -> None:
        self.ran: list[str] = []
        self.failed: list[str] = []

    def hook_ran(self, hook: str, duration: float) -> None:
        self.ran.append(hook)

    def hook_failed(self, hook: str, error: BaseException) -> None:
        self.failed.append(hook)


class Answers(Handler):
    """Returns, or raises, whatever it was made with."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def _answer(self, *args: Any) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    arrange = on_task_complete = on_delivery_error = _answer
    message_label = task_priority = _answer


def hooks_for(answer: Any) -> tuple[Hooks, Ears]:
    ears = Ears()
    return Hooks(Answers(answer), ears), ears


def arranged(answer: Any) -> Sequence[ExecutorTask]:
    return hooks_for(answer)[0].arrange(PARTITION, MESSAGES, PendingContext({}))


def test_arrange_returns_checked_tasks() -> None:
    tasks = [ExecutorTask(source_offsets=[4, 5]), ExecutorTask(source_offsets=[5])]
    assert arranged(tasks) == tasks
    assert arranged(None) == ()


@pytest.mark.parametrize(
    ('answer', 'says'),
    [
        ('tasks', 'must return a list of tasks'),
        (['x'], 'is not a task'),
        ([ExecutorTask()], 'must be an offset of a message it was given'),
        ([ExecutorTask(source_offsets=[4, 6])], r'source_offsets \[4, 6\]'),
        ([ExecutorTask(source_offsets=[4], task_id='a')] * 2, 'ids must differ'),
    ],
)
def test_arrange_refuses_tasks_it_could_not_account_for(answer: Any, says: str) -> None:
    hooks, ears = hooks_for(answer)
    with pytest.raises(HandlerError, match=says):
        hooks.arrange(PARTITION, MESSAGES, PendingContext({}))
    assert ears.failed == ['arrange']


def test_a_raising_hook_is_counted_and_raises_on() -> None:
    hooks, ears = hooks_for(ZeroDivisionError('boom'))
    with pytest.raises(ZeroDivisionError):
        hooks.task_complete(ExecutorResult(ExecutorTask()))
    assert ears.failed == ears.ran == ['on_task_complete']


@pytest.mark.parametrize('answer', ['text', [1], {'a': 1}])
def test_only_payloads_may_come_out_of_a_hook(answer: Any) -> None:
    hooks, ears = hooks_for(answer)
    with pytest.raises(HandlerError, match='must return a list of payloads or None'):
        hooks.task_complete(ExecutorResult(ExecutorTask()))
    assert ears.failed == ['on_task_complete']


def test_payloads_come_through() -> None:
    payloads = [Payload({'a': 1})]
    assert hooks_for(payloads)[0].task_complete(ExecutorResult(ExecutorTask())) == payloads
    assert hooks_for(None)[0].task_complete(ExecutorResult(ExecutorTask())) == ()


@pytest.mark.parametrize(('answer', 'action'), [(SKIP, SKIP), (ValueError('x'), DLQ), (None, DLQ)])
def test_an_unusable_delivery_decision_is_the_dead_letter_queue(answer: Any, action: Any) -> None:
    failure = DeliveryFailure(SinkRef('s', 'n'), [], ValueError('down'))
    assert hooks_for(answer)[0].on_delivery_error(failure) is action


def test_label_and_priority_fall_back_to_the_defaults() -> None:
    hooks, ears = hooks_for(ValueError('x'))
    assert hooks.label(MESSAGES[0]) == '0:4'
    assert hooks.priority(ExecutorTask(source_offsets=[9, 4])) == 4
    assert ears.failed == ['message_label', 'task_priority']


def test_replacements_get_their_parent_and_its_offsets() -> None:
    hooks, _ = hooks_for(None)
    parent = ExecutorTask(source_offsets=[4, 5])
    children = [ExecutorTask(), ExecutorTask(source_offsets=[5])]
    hooks.check_replacements(parent, children, PendingContext({}))
    assert [c.parent_task_id for c in children] == [parent.task_id] * 2
    assert [list(c.source_offsets) for c in children] == [[4, 5], [5]]
    with pytest.raises(HandlerError, match='source_offsets'):
        hooks.check_replacements(parent, [ExecutorTask(source_offsets=[6])], PendingContext({}))
