"""The handler's hooks as one request calls them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from drakkar.contracts.cache import CacheCounts, counting
from drakkar.contracts.observer import Observer
from drakkar.errors import HandlerError
from drakkar.handler import Handler, overrides
from drakkar.models.group import MessageGroup
from drakkar.models.http import HttpRequest
from drakkar.models.message import SourceMessage
from drakkar.models.task import ExecutorTask, PendingContext
from drakkar.pipeline.checks import check_tasks
from drakkar.pipeline.hooks import Hooks

log = structlog.get_logger('drakkar.http.hooks')

_REQUEST_ID = re.compile(r'[\x21-\x7e]{1,64}')
# These have defaults to fall back on, so a request does not fail with them.
_DISPENSABLE = ('task_priority', 'message_label', 'http_request_label')


class HttpHooks(Hooks):
    """Hooks for one request: without sinks, those that make payloads are left out.

    `raised` names the first hook that raised or answered nonsense; the request has
    failed then. `counts` are of what the hooks found in the cache.
    """

    def __init__(
        self, handler: Handler, observer: Observer, request: HttpRequest, sinks_enabled: bool
    ) -> None:
        super().__init__(handler, observer)
        self._request = request
        self.raised = ''
        self.counts = CacheCounts()
        self._has_id = overrides(handler, 'http_request_id')
        self._has_label = overrides(handler, 'http_request_label')
        if not sinks_enabled:
            self.has_task_complete = self.has_message_complete = self.has_window_complete = False

    def call(self, hook: str, *args: Any, **where: Any) -> Any:
        request = self._request
        where = {**where, 'client': request.client_name, 'request_id': request.request_id}
        with counting(self.counts):
            return super().call(hook, *args, **where)

    def _failed(self, hook: str, error: BaseException, where: dict[str, Any]) -> None:
        self._note(hook)
        super()._failed(hook, error, where)

    def _misused(self, hook: str, error: HandlerError, **where: Any) -> None:
        self._note(hook)
        super()._misused(hook, error, **where)

    def _note(self, hook: str) -> None:
        if hook not in _DISPENSABLE:
            self.raised = self.raised or hook

    def name(self) -> None:
        """Give the request its own id and label. Raises what `http_request_id` raises."""
        request = self._request
        if self._has_id:
            self._take_id(self.call('http_request_id', request.payload, request.headers))
        if self._has_label:
            try:
                label = self.call('http_request_label', request.payload, request.request_id)
            except Exception:  # logged and counted
                return
            request.label = str(label)

    def _take_id(self, own: Any) -> None:
        if isinstance(own, str) and _REQUEST_ID.fullmatch(own):
            self._request.request_id = self._request.label = own
        elif own:
            # Most likely what the client sent, which is no fault of the handler.
            log.warning('request_id_replaced', request_id=repr(own)[:100])

    def arrange_request(
        self, message: SourceMessage, pending: PendingContext
    ) -> Sequence[ExecutorTask]:
        """Return the request's tasks, each with its offset."""
        hook = 'arrange_http_request'
        tasks = self.call(hook, message.payload, pending)
        try:
            if isinstance(tasks, (list, tuple)):
                for task in tasks:
                    if isinstance(task, ExecutorTask):
                        task.source_offsets = [message.offset]
            return check_tasks(hook, tasks, {message.offset}, pending)
        except HandlerError as error:
            self._misused(hook, error)
            raise

    def request_complete(self, group: MessageGroup, dump: Callable[[Any], bytes]) -> bytes:
        """Return the handler's answer as JSON."""
        hook = 'on_http_request_complete'
        result = self.call(hook, group)
        try:
            return dump(result)
        except Exception as error:
            wrong = HandlerError(f'{hook} returned what can not be dumped: {error}')
            self._misused(hook, wrong)
            raise wrong from error

    def label(self, message: SourceMessage) -> str:
        return self._request.label
