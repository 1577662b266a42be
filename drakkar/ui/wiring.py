"""Gives a worker its debug UI."""

from __future__ import annotations

from drakkar.peers import Peers
from drakkar.recorder.databases import Databases
from drakkar.ui.context import UiContext
from drakkar.ui.server import UiServer
from drakkar.ui.switcher import Switcher
from drakkar.worker.worker import Worker


def add_ui(worker: Worker) -> UiServer | None:
    """Let the worker serve its debug UI; None where `[debug] enabled` is false."""
    parts = worker.parts
    config = parts.config
    if not config.debug.enabled:
        return None

    peers = Peers(config.debug.db_dir)

    def ports() -> dict[str, int]:
        return {'metrics': 0, 'debug': 0, **{s.name: s.port for s in parts.services}}

    context = UiContext(
        config=config,
        worker_id=config.worker_id,
        cluster=config.cluster,
        handler_class=type(parts.handler),
        registry=parts.registry,
        snapshot=worker.snapshot,
        not_ready=worker.reasons_not_ready,
        periodic=lambda: parts.periodic.states,
        ports=ports,
        peers=peers,
        switcher=Switcher(peers),
        databases=Databases(config.debug.db_dir),
        recorder=parts.recorder,
        cache=parts.cache,
        live=parts.live,
        probe=parts.probe,
    )
    server = UiServer(context)
    worker.serve(server)
    return server
