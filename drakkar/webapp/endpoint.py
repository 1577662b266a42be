"""The endpoint as a WSGI application: checks a request, has it worked on, answers."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import structlog
from gevent.event import Event

from drakkar import greenlets
from drakkar.config.sections.webapp import OPENAPI_PATH
from drakkar.models.http import (
    DISCONNECTED,
    ERROR,
    OK,
    TIMEOUT,
    HttpAnswer,
    HttpHeaders,
    HttpOutcome,
    HttpRequest,
    Stage,
)
from drakkar.webapp.auth import CHALLENGE, Clients, UnknownClient
from drakkar.webapp.body import check_length, read_body
from drakkar.webapp.errors import (
    ClientGone,
    Headers,
    Hints,
    Refusal,
    field_errors,
    json_headers,
    status_line,
)
from drakkar.webapp.presence import watched
from drakkar.webapp.rate import SlidingWindow
from drakkar.worker.http import HttpRuns, RequestError
from drakkar.worker.http.report import encode

log = structlog.get_logger('drakkar.webapp')

Environ = dict[str, Any]
CONNECTION = 'drakkar.connection'
BODY_SECONDS = 30.0
_CODES = {OK: 200, ERROR: 500, TIMEOUT: 504}
# Parsing more than this would hold up everybody else for milliseconds.
_OFFLOAD_BYTES = 256 * 1024
_JSON = 'application/json'


@dataclass(slots=True)
class _Visit:
    """One request as far as it is known; times are of `perf_counter`."""

    environ: Environ
    started: float = field(default_factory=time.perf_counter)
    received_at: float = field(default_factory=time.time)
    client: str = ''
    stages: list[Stage] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.started

    def stage(self, name: str) -> None:
        """Enter the time since the last stage."""
        self.stages.append(Stage(name, self.seconds - sum(s.duration for s in self.stages)))


class Endpoint:
    """Answers at `[webapp] path` and, with its description, at /openapi.json.

    `state()` is the worker's; once `draining` is set, nobody is let in any more.
    """

    def __init__(
        self,
        options: Any,
        runs: HttpRuns,
        state: Callable[[], str],
        hints: Hints,
        description: bytes,
    ) -> None:
        self._options = options
        self._runs = runs
        self._observer = runs.observer
        self._state = state
        self._hints = hints
        self._description = description
        self.clients = Clients({name: c.token for name, c in options.clients.items()})
        self._windows = {name: SlidingWindow(c.rpm) for name, c in options.clients.items()}
        self.draining = False
        self._busy = 0
        self._none_busy = Event()
        self._none_busy.set()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        visit = _Visit(environ)
        status = DISCONNECTED
        try:
            status, code, headers, body = self._answer(visit)
        except ClientGone as error:
            raise ConnectionResetError(errno.ECONNRESET, str(error)) from error
        finally:
            self._observer.http_answered(visit.client, status, visit.seconds)
        if self.draining:
            headers.append(('Connection', 'close'))
        start_response(status_line(code), headers)
        return [b'' if environ['REQUEST_METHOD'] == 'HEAD' else body]

    def join(self) -> None:
        """Wait until no request is under way."""
        self._none_busy.wait()

    def _answer(self, visit: _Visit) -> tuple[str, int, Headers, bytes]:
        try:
            if visit.environ['PATH_INFO'] == OPENAPI_PATH:
                _check_method(visit.environ, ('GET', 'HEAD'))
                return OK, 200, json_headers(self._description), self._description
            self._check(visit)
            return self._in_turn(visit)
        except Refusal as refusal:
            body = refusal.body()
            return refusal.status, refusal.code, [*json_headers(body), *refusal.headers], body

    # Who comes in

    def _check(self, visit: _Visit) -> None:
        """Raise Refusal for what can be told before the body is read."""
        environ, options = visit.environ, self._options
        if environ['PATH_INFO'] != options.path:
            raise Refusal(
                404, 'not_found', 'there is nothing at this path', f'POST to {options.path}'
            )
        _check_method(environ, ('POST',))
        self._check_open()
        _check_type(environ)
        check_length(environ.get('CONTENT_LENGTH'), options.max_body_bytes)
        visit.client = self._identify(environ)
        self._check_rate(visit.client)

    def _check_open(self) -> None:
        state = self._state()
        if state == 'starting':
            raise Refusal(
                503, 'not_ready', 'not ready yet', self._hints.not_ready, [('Retry-After', '1')]
            )
        if self.draining or state != 'running':
            raise Refusal(503, 'shutdown', 'shutting down', self._hints.shutdown)

    def _identify(self, environ: Environ) -> str:
        try:
            return self.clients.identify(environ.get('HTTP_AUTHORIZATION'))
        except UnknownClient as error:
            self._observer.http_auth_failed(environ.get('REMOTE_ADDR', ''), str(error))
            raise Refusal(401, 'auth_failed', str(error), headers=[CHALLENGE]) from error

    def _check_rate(self, client: str) -> None:
        window = self._windows[client]
        wait = window.admit(time.monotonic())
        if not wait:
            return
        self._observer.http_rate_limited(client, window.limit, wait)
        seconds = max(1, -int(-wait // 1))
        raise Refusal(
            429,
            'rate_limited',
            f'more than {window.limit} requests in 60 seconds',
            self._hints.rate(window.limit),
            [('Retry-After', str(seconds))],
            client=client,
            rpm_limit=window.limit,
            retry_after_seconds=seconds,
        )

    # What is done for them

    def _in_turn(self, visit: _Visit) -> tuple[str, int, Headers, bytes]:
        if self._busy >= self._options.max_concurrent:
            raise Refusal(
                503,
                'capacity',
                f'{self._busy} requests are under way',
                self._hints.capacity,
                [('Retry-After', '1')],
            )
        self._busy += 1
        self._none_busy.clear()
        try:
            return self._work(visit)
        finally:
            self._busy -= 1
            if not self._busy:
                self._none_busy.set()

    def _work(self, visit: _Visit) -> tuple[str, int, Headers, bytes]:
        request = self._receive(visit)
        run = self._runs.prepare(request)
        visit.stage('parse')
        answer = HttpAnswer(DISCONNECTED, 0, b'', 0.0)
        try:
            with watched(visit.environ[CONNECTION], run.disconnect):
                left = self._options.request_timeout_seconds - visit.seconds
                outcome = self._runs.run(run, left)
            if outcome.status == DISCONNECTED:
                raise ClientGone(outcome.error)
            answer.code = _CODES[outcome.status]
            answer.body = self._report(request, outcome, visit)
            answer.status = outcome.status
        finally:
            answer.duration = visit.seconds
            self._observer.http_completed(request, answer)
        return answer.status, answer.code, json_headers(answer.body), answer.body

    def _receive(self, visit: _Visit) -> HttpRequest:
        """Read the body and make a request of it. Raises Refusal and ClientGone."""
        environ, options = visit.environ, self._options
        seconds = min(BODY_SECONDS, options.request_timeout_seconds)
        body = read_body(environ['wsgi.input'], options.max_body_bytes, seconds)
        visit.stage('receive')
        load = self._runs.codec.load
        try:
            payload = greenlets.offload(load, body) if len(body) > _OFFLOAD_BYTES else load(body)
        except RequestError as error:
            raise Refusal(
                422, 'invalid_request', str(error), errors=field_errors(error.fields)
            ) from error
        except Exception as error:  # a validator of the handler's
            log.exception('hook_failed', hook='http_request_schema', client=visit.client)
            self._observer.hook_failed('http_request_schema', error)
            raise _failed('http_request_schema') from error
        return HttpRequest(
            self._runs.next_number(),
            visit.client,
            body,
            payload,
            _headers(environ),
            environ.get('REMOTE_ADDR', ''),
            visit.received_at,
        )

    def _report(self, request: HttpRequest, outcome: HttpOutcome, visit: _Visit) -> bytes:
        hint = self._hints.timeout if outcome.status == TIMEOUT else ''
        return encode(request, outcome, visit.stages, hint)


def _failed(hook: str) -> Refusal:
    return Refusal(500, ERROR, f'{hook} of the handler failed; see the log of the worker')


def _check_method(environ: Environ, allowed: tuple[str, ...]) -> None:
    if environ['REQUEST_METHOD'] not in allowed:
        methods = ', '.join(allowed)
        raise Refusal(405, 'method_not_allowed', f'use {methods}', headers=[('Allow', methods)])


def _check_type(environ: Environ) -> None:
    kind, _, parameters = environ.get('CONTENT_TYPE', '').lower().partition(';')
    kind = kind.strip()
    known = kind == _JSON or (kind.startswith('application/') and kind.endswith('+json'))
    charset = parameters.replace(' ', '').replace('"', '')
    utf8 = 'charset=' not in charset or 'charset=utf-8' in charset
    if not known or not utf8 or environ.get('HTTP_CONTENT_ENCODING', 'identity') != 'identity':
        raise Refusal(
            415,
            'unsupported_media_type',
            'the body must be JSON in UTF-8, not compressed',
            'send Content-Type: application/json',
        )


def _headers(environ: Environ) -> HttpHeaders:
    """Return the headers but that with the token, which is of no use to a handler."""
    named = [
        (name[5:].replace('_', '-'), value)
        for name, value in environ.items()
        if name.startswith('HTTP_') and name != 'HTTP_AUTHORIZATION'
    ]
    return HttpHeaders([*named, ('Content-Type', environ.get('CONTENT_TYPE', ''))])
