"""`drakkar serve`: run one worker until it is told to stop."""

from __future__ import annotations

import click
import structlog

from drakkar._version import __version__
from drakkar.cli.common import Loaded, config_options, configure_logging, load_config
from drakkar.worker.build import build_worker, make_handler
from drakkar.worker.worker import Worker

log = structlog.get_logger('drakkar.serve')


@click.command('serve')
@config_options
def serve_command(config_path: str | None, overrides: tuple[str, ...]) -> None:
    """Run a worker until SIGTERM or Ctrl-C; a second one ends it at once.

    Exit codes: 0 clean, 1 failure, 2 wrong configuration, 3 a server could not be
    reached, 4 the drain timed out.
    """
    loaded = load_config(config_path, overrides)
    configure_logging(loaded)
    worker = _build(loaded)
    worker.handle_signals()
    try:
        worker.run()
    finally:
        loaded.plugins.hook.drakkar_on_shutdown()
    log.info('stopped')


def _build(loaded: Loaded) -> Worker:
    handler, config = make_handler(loaded.handler, loaded.config)
    loaded.plugins.hook.drakkar_on_startup(config=config)
    worker = build_worker(config, handler, loaded.plugins.sources)
    log.info(
        'starting',
        version=__version__,
        handler=config.drakkar.handler,
        source=config.drakkar.source,
        sinks=[str(ref) for ref in config.sink_instances],
        executors=config.executor.max_executors,
    )
    return worker
