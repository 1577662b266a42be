"""Serves `/metrics`, `/healthz` and `/readyz` of one worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import structlog
from prometheus_client import REGISTRY, CollectorRegistry

from drakkar import jsonio
from drakkar.bounded import BoundedServer
from drakkar.contracts.service import Service
from drakkar.listening import listen, local_url
from drakkar.metrics.render import compress, render

log = structlog.get_logger('drakkar.metrics.exporter')

Environ = Mapping[str, Any]
Headers = list[tuple[str, str]]
Response = tuple[str, Headers, bytes]

_MAX_CONNECTIONS = 32
_CLIENT_TIMEOUT = 10.0  # seconds a client may take to send its request or read the answer
_STOP_TIMEOUT = 2.0  # seconds for a scrape under way to end


class MetricsExporter(Service):
    """HTTP server for Prometheus and for health checks.

    Serves `registry` and prometheus_client's default registry (process metrics,
    and the handler author's own). `not_ready()` returns the reasons why the
    worker is not ready; none means ready. It must not wait.
    """

    name = 'metrics'

    def __init__(
        self,
        registry: CollectorRegistry,
        not_ready: Callable[[], Sequence[str]],
        host: str = '127.0.0.1',
        port: int = 9090,
    ) -> None:
        self._registries = [registry] if registry is REGISTRY else [registry, REGISTRY]
        self._not_ready = not_ready
        self._host = host
        self._wanted_port = port
        self._listener: Any = None
        self._server: BoundedServer | None = None
        self._pages: dict[str, Callable[[Environ], Response]] = {
            '/metrics': self._metrics,
            '/healthz': self._healthz,
            '/readyz': self._readyz,
        }

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1] if self._listener else self._wanted_port

    @property
    def url(self) -> str:
        return f'{local_url(self._host, self.port)}/metrics'

    def bind(self) -> None:
        self._listener = listen('metrics', self._host, self._wanted_port, _MAX_CONNECTIONS)

    def start(self) -> None:
        # Tests, and whoever uses it alone, need not bind first.
        if self._listener is None:
            self.bind()
        self._server = BoundedServer(
            self._listener,
            self._respond,
            _MAX_CONNECTIONS,
            logger=__name__,
            client_seconds=_CLIENT_TIMEOUT,
        )
        self._server.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop(timeout=_STOP_TIMEOUT)
        elif self._listener is not None:
            self._listener.close()
        self._server = self._listener = None

    def _respond(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            status, headers, body = self._answer(environ)
        except Exception:
            log.exception('request_failed', path=environ['PATH_INFO'])
            status, headers, body = _error('500 Internal Server Error', 'see the worker log')
        # Kept connections would hold their places between scrapes, and delay a stop.
        headers += [('Content-Length', str(len(body))), ('Connection', 'close')]
        start_response(status, headers)
        return [b'' if environ['REQUEST_METHOD'] == 'HEAD' else body]

    def _answer(self, environ: Environ) -> Response:
        page = self._pages.get(environ['PATH_INFO'])
        if page is None:
            pages = ', '.join(self._pages)
            return _error('404 Not Found', f'there is no such page; there are {pages}')
        if environ['REQUEST_METHOD'] not in ('GET', 'HEAD'):
            status, headers, body = _error('405 Method Not Allowed', 'use GET')
            return status, [*headers, ('Allow', 'GET, HEAD')], body
        return page(environ)

    def _metrics(self, environ: Environ) -> Response:
        body, content_type = render(self._registries, environ.get('HTTP_ACCEPT', ''))
        headers = [('Content-Type', content_type), ('Vary', 'Accept, Accept-Encoding')]
        if 'gzip' in environ.get('HTTP_ACCEPT_ENCODING', ''):
            packed = compress(body)
            if packed is not None:
                return '200 OK', [*headers, ('Content-Encoding', 'gzip')], packed
        return '200 OK', headers, body

    def _healthz(self, environ: Environ) -> Response:
        return _json('200 OK', {'status': 'ok'})

    def _readyz(self, environ: Environ) -> Response:
        reasons = list(self._not_ready())
        if reasons:
            body = {'status': 'not_ready', 'reasons': reasons}
            return _json('503 Service Unavailable', body)
        return _json('200 OK', {'status': 'ready', 'reasons': []})


def _json(status: str, content: Mapping[str, Any]) -> Response:
    headers = [('Content-Type', 'application/json'), ('Cache-Control', 'no-store')]
    return status, headers, jsonio.dumps_bytes(content) + b'\n'


def _error(status: str, hint: str) -> Response:
    _, _, reason = status.partition(' ')
    code = reason.lower().replace(' ', '_')
    return _json(status, {'status': code, 'error': reason, 'hint': hint})
