"""Hears of HTTP requests; see drakkar/recorder/observer.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from time import time

from drakkar.contracts.observer import Observer
from drakkar.models.http import HttpAnswer, HttpRequest
from drakkar.models.task import ExecutorTask
from drakkar.recorder.buffer import RawEvent
from drakkar.recorder.rows import MAX_IDS


class HttpObserver(Observer):
    """Notes requests and their answers, no more of either than will be recorded."""

    _add: Callable[[RawEvent], None]
    _output_chars: int

    def http_received(self, request: HttpRequest) -> None:
        body = request.body
        self._add(
            (
                'http_received',
                request.received_at,
                request.number,
                _who(request),
                request.label,
                request.remote,
                body[: self._output_chars],
                len(body),
            )
        )

    def http_arranged(
        self, request: HttpRequest, tasks: Sequence[ExecutorTask], duration: float
    ) -> None:
        ids = [task.task_id for task in islice(tasks, MAX_IDS)]
        self._add(
            (
                'http_arranged',
                time(),
                request.number,
                _who(request),
                ids,
                len(tasks),
                duration,
            )
        )

    def http_timeout(self, request: HttpRequest, duration: float) -> None:
        self._add(('http_timeout', time(), request.number, _who(request), duration))

    def http_completed(self, request: HttpRequest, answer: HttpAnswer) -> None:
        body = answer.body
        self._add(
            (
                'http_completed',
                time(),
                request.number,
                _who(request),
                answer.status,
                answer.code,
                body[: self._output_chars],
                len(body),
                answer.duration,
            )
        )

    def http_auth_failed(self, remote: str, reason: str) -> None:
        self._add(('http_auth_failed', time(), remote, reason))

    def http_rate_limited(self, client_name: str, rpm: int, retry_after: float) -> None:
        self._add(('http_rate_limited', time(), client_name, rpm, retry_after))

    def http_dropped(self, request: HttpRequest, tasks: int) -> None:
        self._add(('http_dropped', time(), request.number, _who(request), tasks))


def _who(request: HttpRequest) -> tuple[str, str]:
    return request.client_name, request.request_id
