"""Turns routes into one WSGI application."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bottle
import structlog

from drakkar.ui import api, pages, slices
from drakkar.ui.context import UiContext
from drakkar.ui.download import Download, download
from drakkar.ui.errors import HttpError, status_line
from drakkar.ui.render import Renderer
from drakkar.ui.request import Request
from drakkar.ui.routes import Answer, Json, Page, Redirect, Route, routes_of
from drakkar.ui.static import StaticFiles
from drakkar.ui.wire import HTML, Environ, Headers, html, json_answer, wants_page

log = structlog.get_logger('drakkar.ui')

Wire = tuple[int, Headers, Iterable[bytes]]


def all_routes() -> list[Route]:
    """Return every route of the UI, pages first."""
    return [*routes_of(pages), *routes_of(api)]


class UiApplication:
    """Dispatches requests to views and writes what they return."""

    def __init__(
        self, context: UiContext, renderer: Renderer, routes: Iterable[Route] | None = None
    ) -> None:
        self._context = context
        self._renderer = renderer
        self._static = StaticFiles()
        self._bottle = bottle.Bottle()
        self.routes = list(all_routes() if routes is None else routes)
        for route in self.routes:
            self._bottle.route(route.rule, route.method, self._callback(route))
        self._bottle.route('/static/<name:path>', 'GET', self._serve_static)

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        try:
            route, path = self._bottle.match(environ)
            status, headers, body = route.callback(environ, path)
        except bottle.HTTPError as error:
            status, headers, body = self._error(environ, _http_error(error))
        except HttpError as error:
            status, headers, body = self._error(environ, error)
        except Exception:
            log.exception('request_failed', path=environ.get('PATH_INFO'))
            status, headers, body = self._error(environ, HttpError(500, 'see the worker log'))
        start_response(status_line(status), headers)
        if environ['REQUEST_METHOD'] != 'HEAD':
            return body
        if isinstance(body, Download):
            body.close()
        return [b'']

    def _error(self, environ: Environ, error: HttpError) -> Wire:
        if wants_page(environ):
            try:
                headers, body = html(self._renderer.error(Request(environ), error))
            except HttpError as unreadable:  # its query; the shape of the API will do
                error = unreadable
            else:
                return error.status, headers, [body]
        headers, body = json_answer(error)
        return error.status, headers, [body]

    def _callback(self, route: Route) -> Any:
        def respond(environ: Environ, path: dict[str, Any]) -> Wire:
            request = Request(environ, path)
            return self._wire(request, route.view(self._context, request))

        return respond

    def _wire(self, request: Request, answer: Answer) -> Wire:
        if isinstance(answer, Json):
            return _in_pieces(
                answer.status, 'application/json', [*slices.json_bytes(answer.data), b'\n']
            )
        if isinstance(answer, Page):
            text = self._renderer.page(request, answer)
            return _in_pieces(answer.status, HTML, slices.text_bytes(text))
        if isinstance(answer, Redirect):
            return 303, [('Location', answer.url), ('Content-Length', '0')], [b'']
        headers, content = download(answer)
        return 200, headers, content

    def _serve_static(self, environ: Environ, path: dict[str, Any]) -> Wire:
        return self._static.answer(path['name'], environ.get('HTTP_IF_NONE_MATCH', ''))


def _in_pieces(status: int, content_type: str, pieces: list[bytes]) -> Wire:
    length = str(sum(map(len, pieces)))
    headers = [('Content-Type', content_type), ('Content-Length', length)]
    return status, headers, slices.grouped(pieces)


def _http_error(error: bottle.HTTPError) -> HttpError:
    if error.status_code == 405:
        allowed = error.get_header('Allow', '') or ''
        return HttpError(405, f'use {allowed.replace(",", " or ")}' if allowed else 'use GET')
    if error.status_code == 404:
        where = '/api/openapi.json lists what there is'
        return HttpError(404, f'there is no such page; {where}')
    return HttpError(error.status_code, 'the request can not be understood')
