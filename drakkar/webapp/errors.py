"""Requests that are not taken on: what is said of each, in one shape."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from drakkar import jsonio

Headers = list[tuple[str, str]]


class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """Ends a request with a status code. `status` is the machine's word, `more` further fields."""

    def __init__(
        self,
        code: int,
        status: str,
        error: str,
        hint: str = '',
        headers: Headers | None = None,
        **more: Any,
    ) -> None:
        self.code = code
        self.status = status
        self.headers = headers or []
        self._body = {'status': status, 'error': error, **more}
        if hint:
            self._body['hint'] = hint
        super().__init__(error)

    def body(self) -> bytes:
        return jsonio.dumps_bytes(self._body) + b'\n'


class ClientGone(Exception):  # noqa: N818 - nobody is left to be told
    """The client closed the connection before it had sent all, or got anything."""


def status_line(code: int) -> str:
    return f'{code} {HTTPStatus(code).phrase}'


def json_headers(body: bytes) -> Headers:
    return [
        ('Content-Type', 'application/json'),
        ('Content-Length', str(len(body))),
        ('Cache-Control', 'no-store'),
        ('X-Content-Type-Options', 'nosniff'),
    ]


class Hints:
    """Where else to go: the way for volume, and for what must survive a restart."""

    def __init__(self, source: str, topic: str) -> None:
        place = f'{"the Kafka topic" if source == "kafka" else f"the {source} source"}'
        self.elsewhere = (
            f'for volume, send messages to {place} {topic!r} instead'
            if topic
            else (f'for volume, send messages to {place} instead')
        )

    def rate(self, rpm: int) -> str:
        return (
            f'at most {rpm} requests in 60 seconds; wait Retry-After seconds, or, {self.elsewhere}'
        )

    @property
    def capacity(self) -> str:
        return f'too many requests are under way; try again, or, {self.elsewhere}'

    @property
    def shutdown(self) -> str:
        return (
            'this worker is about to stop; ask another one, or, where it must not be lost, '
            f'{self.elsewhere}'
        )

    @property
    def not_ready(self) -> str:
        return f'this worker has not started yet; try again, or, {self.elsewhere}'

    @property
    def timeout(self) -> str:
        return f'the work was given up; ask for less, or, for what takes long, {self.elsewhere}'


def field_errors(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return marshmallow's messages as JSON has them: keys are texts, whatever they were."""
    return {
        str(name): field_errors(found) if isinstance(found, Mapping) else found
        for name, found in fields.items()
    }
