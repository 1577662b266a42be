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

_REFUSALS_A_SECOND = 20


class Few:
    """Keeps what anybody can cause from filling the file: so many a second of a kind. Pure."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._seen: dict[str, list[int]] = {}

    def admit(self, kind: str, now: float) -> int | None:
        """Return how many of the kind were left out before this one; None to leave it out."""
        second = int(now)
        seen = self._seen.setdefault(kind, [second, 0, 0])
        if seen[0] != second:
            seen[:2] = second, 0
        seen[1] += 1
        if seen[1] > self._per_second:
            seen[2] += 1
            return None
        before, seen[2] = seen[2], 0
        return before


class HttpObserver(Observer):
    """Notes requests and their answers, no more of either than will be recorded."""

    _add: Callable[[RawEvent], None]
    _output_chars: int

    def __init__(self) -> None:
        self._few = Few(_REFUSALS_A_SECOND)

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
        now = time()
        before = self._few.admit('auth_failed', now)
        if before is not None:
            self._add(('http_auth_failed', now, remote, reason, before))

    def http_rate_limited(self, client_name: str, rpm: int, retry_after: float) -> None:
        now = time()
        before = self._few.admit(f'rate_limited {client_name}', now)
        if before is not None:
            row = ('http_rate_limited', now, client_name, rpm, retry_after, before)
            self._add(row)

    def http_dropped(self, request: HttpRequest, tasks: int) -> None:
        self._add(('http_dropped', time(), request.number, _who(request), tasks))


def _who(request: HttpRequest) -> tuple[str, str]:
    return request.client_name, request.request_id
