"""The endpoint's server, a service of the worker."""

from __future__ import annotations

import logging
from typing import Any

import structlog

from drakkar.bounded import BoundedConnection, BoundedServer
from drakkar.contracts.service import Service
from drakkar.listening import is_loopback, listen, local_url
from drakkar.webapp.endpoint import CONNECTION, Endpoint

log = structlog.get_logger('drakkar.webapp')

# Connections beyond the requests under way: they wait for their next one, or are refused.
SPARE_CONNECTIONS = 256
_STOP_SECONDS = 2.0


class _Connection(BoundedConnection):
    def get_environ(self) -> Any:
        environ = super().get_environ()
        environ[CONNECTION] = self.socket
        return environ

    def log_request(self) -> None:
        """Requests are counted and recorded, not logged."""


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
        self._server: BoundedServer | None = None

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1] if self._listener else self._wanted_port

    @property
    def url(self) -> str:
        return f'{local_url(self._host, self.port)}{self._path}'

    def bind(self) -> None:
        self._listener = listen('webapp', self._host, self._wanted_port, self._connections)
        self._server = BoundedServer(
            self._listener,
            self.endpoint,
            self._connections,
            logger='drakkar.webapp',
            level=logging.DEBUG,  # what is no HTTP is told to who sent it; it could fill a log
            handler=_Connection,
        )
        self._server.start()

    def start(self) -> None:
        if self._server is None:
            self.bind()
        if not self.endpoint.clients.open:
            return
        if is_loopback(self._host):
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
