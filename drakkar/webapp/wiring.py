"""Gives a worker its HTTP endpoint."""

from __future__ import annotations

from typing import Any

from drakkar import jsonio
from drakkar.errors import ConfigError
from drakkar.handler import Handler, overrides
from drakkar.webapp.auth import Clients
from drakkar.webapp.endpoint import Endpoint
from drakkar.webapp.errors import Hints
from drakkar.webapp.openapi import describe
from drakkar.webapp.server import WebappServer
from drakkar.worker.http import Codec
from drakkar.worker.worker import Worker


def add_webapp(worker: Worker) -> WebappServer | None:
    """Let the worker serve its HTTP endpoint; None where `[webapp] enabled` is false.

    Raises ConfigError where the handler has no `arrange_http_request`.
    """
    parts = worker.parts
    config, handler, runs = parts.config, parts.handler, parts.http
    if runs is None:
        return None
    if not overrides(handler, 'arrange_http_request'):
        raise ConfigError(
            f'[webapp] enabled = true: handler {type(handler).__name__} has no '
            'arrange_http_request(request, pending); write that hook, or set enabled = false'
        )
    endpoint = Endpoint(
        config.webapp,
        runs,
        lambda: worker.state,
        Hints(config.drakkar.source, _topic(config)),
        jsonio.dumps_bytes(openapi(handler, config.webapp, runs.codec)) + b'\n',
    )
    server = WebappServer(config.webapp, endpoint)
    worker.serve(server)
    return server


def openapi(handler: Handler, options: Any, codec: Codec) -> dict[str, Any]:
    """Return the description of a handler's endpoint."""
    clients = Clients({name: client.token for name, client in options.clients.items()})
    return describe(
        type(handler).__name__,
        options.path,
        codec.request_schema,
        codec.response_schema,
        needs_token=not clients.open,
        may_lack_token=clients.anonymous is not None,
    )


def _topic(config: Any) -> str:
    """Return the name of the topic that the worker reads, empty where there are several."""
    section = getattr(config, config.drakkar.source, None)
    named: Any = getattr(section, 'source_topic', None) or getattr(section, 'topic', '')
    names = [named] if isinstance(named, str) else list(named or ())
    return names[0] if len(names) == 1 else ''
