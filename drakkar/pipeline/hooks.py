"""Calls the handler's hooks: timed, counted, checked, and never fatal to the pipeline."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars

from drakkar.contracts.observer import Observer
from drakkar.errors import HandlerError
from drakkar.greenlets import Killed
from drakkar.handler import Handler, overrides
from drakkar.models.actions import DLQ, Action
from drakkar.models.delivery import DeliveryFailure
from drakkar.models.group import MessageGroup
from drakkar.models.message import SourceMessage, TopicPartition
from drakkar.models.payload import Payload
from drakkar.models.task import ExecutorError, ExecutorResult, ExecutorTask, PendingContext
from drakkar.pipeline.checks import check_tasks

log = structlog.get_logger('drakkar.hooks')

# Not the hook's doing: its greenlet is ended, or Ctrl-C came where nobody handles the signal.
_NOT_FROM_HOOKS = (Killed, KeyboardInterrupt)


class Hooks:
    """The handler as the pipeline sees it.

    Methods raise what the hook raised, after it was logged and counted, except
    where their text says that they fall back. What is no Exception (SystemExit,
    a gevent.Timeout, CancelledError) becomes a HandlerError: the message fails,
    never the worker.
    """

    def __init__(self, handler: Handler, observer: Observer) -> None:
        self._handler = handler
        self._observer = observer
        self.has_task_complete = overrides(handler, 'on_task_complete')
        self.has_message_complete = overrides(handler, 'on_message_complete')
        self.has_window_complete = overrides(handler, 'on_window_complete')
        self._has_priority = overrides(handler, 'task_priority')

    def call(self, hook: str, *args: Any, **where: Any) -> Any:
        """Call a hook by name; `where` goes to every line that is logged meanwhile."""
        started = time.perf_counter()
        try:
            with bound_contextvars(hook=hook, **where):
                return getattr(self._handler, hook)(*args)
        except _NOT_FROM_HOOKS:
            raise
        except Exception as error:
            self._failed(hook, error, where)
            raise
        except BaseException as error:
            self._failed(hook, error, where)
            raise HandlerError(f'{hook} raised {type(error).__name__}: {error}') from error
        finally:
            self._observer.hook_ran(hook, time.perf_counter() - started)

    def _failed(self, hook: str, error: BaseException, where: dict[str, Any]) -> None:
        log.exception('hook_failed', hook=hook, **where)
        self._observer.hook_failed(hook, error)

    def _misused(self, hook: str, error: HandlerError, **where: Any) -> None:
        """Count a hook that returned what it may not; there is no traceback to show."""
        log.error('hook_failed', hook=hook, error=str(error), **where)
        self._observer.hook_failed(hook, error)

    def _payloads(self, hook: str, *args: Any, **where: Any) -> Sequence[Payload]:
        returned = self.call(hook, *args, **where)
        if returned is None:
            return ()
        if isinstance(returned, (list, tuple)) and all(isinstance(p, Payload) for p in returned):
            return returned
        error = HandlerError(
            f'{hook} returned {returned!r:.200}; it must return a list of payloads or None'
        )
        self._misused(hook, error, **where)
        raise error

    def arrange(
        self, partition: TopicPartition, messages: Sequence[SourceMessage], pending: PendingContext
    ) -> Sequence[ExecutorTask]:
        """Return the window's tasks, each with offsets of this very window."""
        # A list of its own: a handler may sort it, or take from it what it has dealt with.
        tasks = self.call('arrange', list(messages), pending, partition=partition.partition)
        try:
            return check_tasks('arrange', tasks, {m.offset for m in messages}, pending)
        except HandlerError as error:
            self._misused('arrange', error, partition=partition.partition)
            raise

    def task_complete(self, result: ExecutorResult) -> Sequence[Payload]:
        return self._payloads('on_task_complete', result, task_id=result.task.task_id)

    def message_complete(self, group: MessageGroup) -> Sequence[Payload]:
        message = group.source_message
        return self._payloads(
            'on_message_complete', group, partition=message.partition, offset=message.offset
        )

    def window_complete(
        self, results: Sequence[ExecutorResult], messages: Sequence[SourceMessage]
    ) -> Sequence[Payload]:
        return self._payloads(
            'on_window_complete', results, list(messages), partition=messages[0].partition
        )

    def on_error(self, task: ExecutorTask, error: ExecutorError) -> Any:
        return self.call('on_error', task, error, task_id=task.task_id)

    def check_replacements(
        self, task: ExecutorTask, replacements: Sequence[ExecutorTask], pending: PendingContext
    ) -> Sequence[ExecutorTask]:
        """Give replacements their parent, and its offsets where they name none."""
        for replacement in replacements:
            replacement.parent_task_id = task.task_id
            if not replacement.source_offsets:
                replacement.source_offsets = task.source_offsets
        return check_tasks('on_error', replacements, set(task.source_offsets), pending)

    def on_delivery_error(self, failure: DeliveryFailure) -> Action:
        """Return the handler's decision; DLQ where the hook raises or answers nonsense."""
        try:
            answer = self.call('on_delivery_error', failure, sink=str(failure.sink))
        except Exception:  # already logged and counted; the safe answer is the queue
            return DLQ
        if isinstance(answer, Action):
            return answer
        error = HandlerError(
            f'on_delivery_error returned {answer!r:.200}; it must return RETRY, SKIP or DLQ'
        )
        self._misused('on_delivery_error', error)
        return DLQ

    def priority(self, task: ExecutorTask) -> Any:
        """Return the task's place in the queue; the default one where the hook raises."""
        if self._has_priority:
            try:
                return self._handler.task_priority(task)
            except _NOT_FROM_HOOKS:
                raise
            except BaseException as error:
                self._failed('task_priority', error, {'task_id': task.task_id})
        return Handler.task_priority(self._handler, task)

    def label(self, message: SourceMessage) -> str:
        """Return the message's name; `partition:offset` where the hook raises."""
        try:
            return str(self._handler.message_label(message))
        except _NOT_FROM_HOOKS:
            raise
        except BaseException as error:
            self._failed('message_label', error, {'offset': message.offset})
            return message.label
