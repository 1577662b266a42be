"""The endpoint's server, a service of the worker."""

from __future__ import annotations

import logging
from typing import Any

import structlog
from gevent.pool import Pool
from gevent.pywsgi import LoggingLogAdapter, WSGIServer

from drakkar.bounded import BoundedConnection, Idle
from drakkar.contracts.service import Service
from drakkar.listening import listen, local_url
from drakkar.webapp.endpoint import CONNECTION, Endpoint

log = structlog.get_logger('drakkar.webapp')

# Connections beyond the requests under way: they wait for their next one, or are refused.
SPARE_CONNECTIONS = 256
_CLIENT_SECONDS = 30.0  # without a byte from, or to, a client
_STOP_SECONDS = 2.0
_LOOPBACK = ('127.0.0.1', '::1', 'localhost')


class _Connection(BoundedConnection):
    def get_environ(self) -> Any:
        environ = super().get_environ()
        environ[CONNECTION] = self.socket
        return environ

    def log_request(self) -> None:
        """Requests are counted and recorded, not logged."""


class _Server(WSGIServer):
    def __init__(self, listener: Any, endpoint: Endpoint, connections: int) -> None:
        self.idle = Idle()
        # What is no HTTP is told to who sent it; anybody could fill a log with it.
        errors = LoggingLogAdapter(logging.getLogger('drakkar.webapp'), logging.DEBUG)
        super().__init__(
            listener,
            endpoint,
            spawn=Pool(connections),
            log=None,
            error_log=errors,
            handler_class=_Connection,
        )

    def handle(self, sock: Any, address: Any) -> None:
        sock.settimeout(_CLIENT_SECONDS)
        super().handle(sock, address)

    def stop(self, timeout: float | None = None) -> None:
        """Take no more connections, end those that wait for a request, then the others."""
        self.close()
        self.idle.close()
        super().stop(timeout)


class WebappServer(Service):
    """Serves the endpoint of one worker at `[webapp] host` and `port`.

    It answers from `bind` on: that the worker is not ready yet, at first.
    """

    name = 'webapp'

    def __init__(self, options: Any, endpoint: Endpoint) -> None:
        self._host: str = options.host
        self._wanted_port: int = options.port
        self._path: str = options.path
        self._connections = options.max_concurrent + SPARE_CONNECTIONS
        self.endpoint = endpoint
        self._listener: Any = None
        self._server: _Server | None = None

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1] if self._listener else self._wanted_port

    @property
    def url(self) -> str:
        return f'{local_url(self._host, self.port)}{self._path}'

    def bind(self) -> None:
        self._listener = listen('webapp', self._host, self._wanted_port, self._connections)
        self._server = _Server(self._listener, self.endpoint, self._connections)
        self._server.start()

    def start(self) -> None:
        if self._server is None:
            self.bind()
        if not self.endpoint.clients.open:
            return
        if self._host in _LOOPBACK:
            log.warning('webapp_without_token', url=self.url, hint='set tokens of its clients')
        else:
            log.error(
                'webapp_open_to_the_network',
                url=self.url,
                host=self._host,
                hint='anybody who reaches this port has programs run: set the tokens of '
                '[webapp.clients.NAME], or host = 127.0.0.1',
            )

    def drain(self) -> None:
        self.endpoint.draining = True

    def settle(self) -> None:
        self.endpoint.join()

    def stop(self) -> None:
        self.endpoint.draining = True
        if self._server is not None:
            self._server.stop(timeout=_STOP_SECONDS)
        self._server = self._listener = None
