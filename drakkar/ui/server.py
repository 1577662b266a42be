"""The server of the debug UI, a service of the worker."""

from __future__ import annotations

import logging
from typing import Any

import structlog

from drakkar.bounded import BoundedServer
from drakkar.contracts.service import Service
from drakkar.greenlets import Nursery
from drakkar.listening import is_loopback, listen, local_url
from drakkar.ui import topics
from drakkar.ui.app import UiApplication
from drakkar.ui.auth import Gate
from drakkar.ui.context import UiContext
from drakkar.ui.origin import Origins
from drakkar.ui.render import Renderer
from drakkar.ui.routes import modules_of
from drakkar.ui.security import Guard
from drakkar.ui.ws.handler import ConnectionHandler
from drakkar.ui.ws.hub import Hub, Topic

log = structlog.get_logger('drakkar.ui')

MAX_CONNECTIONS = 256
_STOP_SECONDS = 2.0


class _Server(BoundedServer):
    def __init__(self, listener: Any, guard: Guard, hub: Hub, greenlets: Nursery) -> None:
        self.guard = guard
        self.hub = hub
        self.greenlets = greenlets
        self.logger = logging.getLogger('drakkar.ui.ws')
        super().__init__(
            listener, guard, MAX_CONNECTIONS, logger='drakkar.ui', handler=ConnectionHandler
        )


class UiServer(Service):
    """Serves pages, API and WebSocket of one worker at `[debug] host` and `port`."""

    name = 'debug'

    def __init__(self, context: UiContext) -> None:
        options = context.config.debug
        self._host: str = options.host
        self._wanted_port: int = options.port
        self._greenlets = Nursery(_note_failure)
        self.hub = Hub(_topics(context), self._greenlets)
        renderer = Renderer(context)
        self._switcher = context.switcher
        self._open = not options.auth_token
        self.guard = Guard(
            UiApplication(context, renderer),
            Gate(options.auth_token),
            Origins(options.host, [options.debug_url, *options.allowed_ws_origins]),
            renderer,
        )
        self._listener: Any = None
        self._server: _Server | None = None

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1] if self._listener else self._wanted_port

    @property
    def url(self) -> str:
        return local_url(self._host, self.port)

    def bind(self) -> None:
        self._listener = listen('debug', self._host, self._wanted_port, MAX_CONNECTIONS)

    def start(self) -> None:
        if self._listener is None:
            self.bind()
        self._warn()
        self._server = _Server(self._listener, self.guard, self.hub, self._greenlets)
        self._server.start()

    def stop(self) -> None:
        self.hub.close()
        self._greenlets.join(_STOP_SECONDS)
        if self._server is not None:
            self._server.stop(timeout=_STOP_SECONDS)
        elif self._listener is not None:
            self._listener.close()
        self._greenlets.kill()
        self._switcher.stop()
        self._server = self._listener = None

    def _warn(self) -> None:
        if not self._open:
            return
        if is_loopback(self._host):
            log.warning('ui_without_token', url=self.url, hint='set [debug] auth_token')
        else:
            log.error(
                'ui_open_to_the_network',
                url=self.url,
                host=self._host,
                hint='anybody who reaches this port sees messages and output of programs: '
                'set [debug] auth_token, or host = 127.0.0.1',
            )


def _topics(context: UiContext) -> list[Topic]:
    made = [module.topic(context) for module in modules_of(topics)]
    return [topic for topic in made if topic is not None]


def _note_failure(name: str, error: BaseException) -> None:
    """A page may stop moving; that ends no worker. The nursery has logged it."""
