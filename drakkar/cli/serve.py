"""`drakkar serve`: run one worker until it is told to stop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
import structlog

from drakkar._version import __version__
from drakkar.cli.common import (
    Loaded,
    config_options,
    configure_logging,
    freeze_startup,
    load_config,
)
from drakkar.errors import DrakkarError
from drakkar.ui.wiring import add_ui
from drakkar.webapp.wiring import add_webapp
from drakkar.worker.build import build_worker, make_handler
from drakkar.worker.worker import Worker

log = structlog.get_logger('drakkar.serve')


@click.command('serve', short_help='Run a worker until SIGTERM or Ctrl-C.')
@config_options
def serve_command(config_path: str | None, overrides: tuple[str, ...]) -> None:
    """Run a worker until SIGTERM or Ctrl-C.

    Then it takes no more messages, lets what runs end ([executor]
    drain_timeout_seconds at most), commits, and ends. A second signal ends it at
    once; what was not committed is processed again by the next worker. Several
    workers of one group share the partitions.

    With [metrics] enabled it serves /metrics, /healthz and /readyz; with [debug]
    enabled, the debug UI; with [webapp] enabled, the synchronous HTTP endpoint.

    Exit codes: 0 clean, 1 failure, 2 wrong configuration, 3 a server could not be
    reached, 4 the drain timed out.
    """
    loaded = load_config(config_path, overrides)
    configure_logging(loaded)
    with _failure_in_log_file(loaded.config):
        worker = _build(loaded)
        worker.handle_signals()
        freeze_startup()
        try:
            worker.run()
        finally:
            loaded.plugins.hook.drakkar_on_shutdown()
    log.info('stopped')


@contextmanager
def _failure_in_log_file(config: Any) -> Iterator[None]:
    """Log what the command line will print: who reads a log file never sees that."""
    try:
        yield
    except Exception as error:
        if config.logging.output not in ('stderr', 'stdout'):
            ours = isinstance(error, DrakkarError)
            log.error('failed', error=str(error), exc_info=not ours)
        raise


def _build(loaded: Loaded) -> Worker:
    handler, config = make_handler(loaded.handler, loaded.config)
    loaded.plugins.hook.drakkar_on_startup(config=config)
    worker = build_worker(config, handler, loaded.plugins.sources)
    add_webapp(worker)
    add_ui(worker)
    log.info(
        'starting',
        version=__version__,
        handler=config.drakkar.handler,
        source=config.drakkar.source,
        sinks=[str(ref) for ref in config.sink_instances],
        executors=config.executor.max_executors,
    )
    return worker
