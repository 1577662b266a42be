"""Stands before the application: limits, host, token, origin; and the headers of every answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drakkar.ui.auth import Gate, local_link, without_token
from drakkar.ui.errors import HttpError, status_line
from drakkar.ui.origin import Origins
from drakkar.ui.render import Renderer
from drakkar.ui.request import MAX_BODY_BYTES, Request, read_form
from drakkar.ui.wire import (
    METHODS,
    Application,
    Environ,
    Headers,
    StartResponse,
    html,
    json_answer,
    wants_page,
    with_safe_headers,
)

LOGIN = '/login'
# /healthz and /readyz are for machines that have no token; static files say nothing of the worker.
PUBLIC = ('/healthz', '/readyz', LOGIN)
STATIC = '/static/'


class Guard:
    """WSGI middleware: lets through what may enter, and makes every answer a safe one."""

    def __init__(
        self, application: Application, gate: Gate, origins: Origins, renderer: Renderer
    ) -> None:
        self._application = application
        self._gate = gate
        self._origins = origins
        self._renderer = renderer

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: Headers, exc_info: Any = None) -> Any:
            return start_response(status, with_safe_headers(headers), exc_info)

        try:
            self.check(environ)
            answer = self._own_answer(environ)
        except HttpError as error:
            answer = self._refusal(environ, error)
        if answer is None:
            return self._application(environ, start)
        status, headers, body = answer
        start(status_line(status), headers)
        return [b'' if environ['REQUEST_METHOD'] == 'HEAD' else body]

    def _own_answer(self, environ: Environ) -> tuple[int, Headers, bytes] | None:
        """Return the answer to what the application need not see, or None."""
        method = environ['REQUEST_METHOD']
        if method == 'OPTIONS':
            return 204, [('Allow', ', '.join(METHODS))], b''
        if environ.get('PATH_INFO') == LOGIN:
            return self._login(environ) if method == 'POST' else self._ask(environ, '/')
        if self._gate.in_query(environ) and _is_page(environ):
            return self._enter(environ, without_token(environ))
        return None

    def _enter(self, environ: Environ, then: str) -> tuple[int, Headers, bytes]:
        secure = environ.get('wsgi.url_scheme') == 'https'
        cookie = ('Set-Cookie', self._gate.set_cookie(secure))
        return 303, [('Location', then), cookie, ('Content-Length', '0')], b''

    def _login(self, environ: Environ) -> tuple[int, Headers, bytes]:
        form = read_form(Request(environ))
        then = local_link(form.get('next', ''))
        if self._gate.open or self._gate.matches(form.get('token', '')):
            return self._enter(environ, then)
        return self._ask(environ, then, wrong=True)

    def _ask(self, environ: Environ, then: str, wrong: bool = False) -> tuple[int, Headers, bytes]:
        headers, body = html(self._renderer.login(then, wrong))
        return (401 if wrong else 200), headers, body

    def _refusal(self, environ: Environ, error: HttpError) -> tuple[int, Headers, bytes]:
        if not wants_page(environ):
            return error.status, *json_answer(error)
        if error.status != 401:
            return error.status, *html(self._renderer.refused(error))
        try:
            then = without_token(environ)
        except HttpError as unreadable:  # the query of the page that was asked for
            return unreadable.status, *json_answer(unreadable)
        return 401, *html(self._renderer.login(then, wrong=False))

    def check(self, environ: Environ) -> None:
        """Raise HttpError for what may not enter."""
        method = environ['REQUEST_METHOD']
        if method not in METHODS:
            raise HttpError(405, f'use {", ".join(METHODS)}')
        if not self._origins.knows_host(environ.get('HTTP_HOST', '')):
            raise HttpError(
                421,
                'this UI answers to localhost only; open it by that name, or set [debug] debug_url',
            )
        _check_size(environ)
        path = environ.get('PATH_INFO', '')
        if path not in PUBLIC and not path.startswith(STATIC) and not self._gate.admits(environ):
            raise HttpError(
                401, 'send the [debug] auth_token as Authorization: Bearer TOKEN', 'auth_failed'
            )
        if method == 'POST':
            self._check_same_site(environ)

    def check_socket(self, environ: Environ) -> None:
        """Raise HttpError for a WebSocket that may not be opened."""
        self.check(environ)
        if not self._origins.allows(environ.get('HTTP_ORIGIN', ''), environ.get('HTTP_HOST', '')):
            raise HttpError(
                403, 'this origin may not open the WebSocket; see [debug] allowed_ws_origins'
            )

    def _check_same_site(self, environ: Environ) -> None:
        origin, host = environ.get('HTTP_ORIGIN', ''), environ.get('HTTP_HOST', '')
        if environ.get('HTTP_SEC_FETCH_SITE', 'none') not in ('same-origin', 'none'):
            raise HttpError(403, 'another site may not do this')
        if not self._origins.allows(origin, host):
            raise HttpError(403, 'another site may not do this')
        # A form of another site can not send JSON without asking first.
        kind = environ.get('CONTENT_TYPE', '').partition(';')[0].strip().lower()
        if kind != 'application/json' and environ.get('PATH_INFO') != LOGIN:
            raise HttpError(415, 'send the body as application/json')


def _check_size(environ: Environ) -> None:
    length = environ.get('CONTENT_LENGTH') or '0'
    if not length.isascii() or not length.isdigit():
        raise HttpError(400, 'Content-Length is not a number')
    if int(length) > MAX_BODY_BYTES:
        raise HttpError(413, f'a body may have {MAX_BODY_BYTES} bytes')


def _is_page(environ: Environ) -> bool:
    path = environ.get('PATH_INFO', '')
    return environ['REQUEST_METHOD'] in ('GET', 'HEAD') and not path.startswith(('/api/', '/ws'))
