"""The command: prepares a folder, runs a worker in it, shows progress and a summary."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import shutil
import sys
import sysconfig
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
import gevent
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from drakkar import jsonio
from drakkar.cli.common import configure_logging, load_config
from drakkar.cli.demo.requests import find_files, make_requests
from drakkar.cli.demo.stats import DemoStats
from drakkar.cli.demo.summary import show_summary
from drakkar.contracts.source import ProducerRecord, SourceSpec
from drakkar.errors import ConfigError, ConnectError, PluginError
from drakkar.greenlets import NamedGreenlet
from drakkar.ui.wiring import add_ui
from drakkar.worker.build import build_worker, make_handler
from drakkar.worker.worker import Worker

_REFRESH_SECONDS = 0.1
_TEMPLATE = Path(__file__).with_name('demo.ini')


@click.command('demo')
@click.option(
    '--path',
    type=click.Path(path_type=Path),
    default=Path(sysconfig.get_paths()['stdlib']),
    help="Folder whose files are searched; Python's own standard library by default.",
    show_default=False,
)
@click.option(
    '--messages',
    type=click.IntRange(1, 1_000_000),
    default=300,
    show_default=True,
    help='Search requests, each with one to nine searches.',
)
@click.option(
    '--executors',
    type=click.IntRange(1, 256),
    default=os.cpu_count() or 2,
    show_default=True,
    help='Programs that run at the same time.',
)
@click.option(
    '--data',
    type=click.Path(path_type=Path),
    default=Path('drakkar-demo'),
    show_default=True,
    help='Folder for the log, the results and the configuration; each run makes one in it. '
    'The cache is that of earlier runs.',
)
@click.option(
    '--cache/--no-cache',
    default=True,
    show_default=True,
    help='Whether searches of earlier runs come from the cache, or are all run again.',
)
@click.option(
    '--metrics-port',
    type=click.IntRange(0, 65535),
    default=0,
    help='Port of /metrics on 127.0.0.1; 0, the default, means any free one.',
)
@click.option(
    '--debug-port',
    type=click.IntRange(0, 65535),
    default=0,
    help='Port of the debug UI on 127.0.0.1; 0, the default, means any free one.',
)
@click.option('--seed', type=int, default=1, show_default=True, help='Which requests are made.')
@click.option(
    '--stay/--no-stay',
    default=None,
    help='Stay up after the summary until Ctrl-C. By default only on a terminal.',
)
@click.option('--json', 'as_json', is_flag=True, help='Print the summary as one JSON object.')
def demo_command(
    path: Path,
    messages: int,
    executors: int,
    data: Path,
    cache: bool,
    metrics_port: int,
    debug_port: int,
    seed: int,
    stay: bool | None,
    as_json: bool,
) -> None:
    """Search real files with ripgrep, all in one command.

    Puts requests into an embedded log, runs a worker on it with files as sinks, serves
    the debug UI, and ends with a summary.
    """
    requests = make_requests(find_files(path.resolve()), messages, seed)
    folder = _make_folder(data)
    stats = DemoStats()
    try:
        values = {
            'executors': executors,
            'cache': str(cache).lower(),
            'metrics_port': metrics_port,
            'debug_port': debug_port,
        }
        worker = _prepare(folder, requests, stats, values)
        running = _start(worker, stats)
        _watch(worker, running, stats, messages, quiet=as_json)
        if not running.dead:
            stays = sys.stdout.isatty() if stay is None else stay
            show_summary(stats.summary(folder / 'results'), worker, folder, stays, as_json)
            if stays:
                running.join()
        _end(worker, running)
    except (ConfigError, PluginError, ConnectError):
        shutil.rmtree(folder)  # it could not begin: nothing half done
        with contextlib.suppress(OSError):
            data.rmdir()
        raise


def _start(worker: Worker, stats: DemoStats) -> gevent.Greenlet:
    worker.handle_signals()
    stats.started = time.monotonic()
    running = NamedGreenlet('worker', _outcome, worker)
    running.start()
    return running


def _end(worker: Worker, running: gevent.Greenlet) -> None:
    worker.stop()
    error = running.get()
    if error is not None:
        raise error


def _prepare(
    folder: Path,
    requests: Iterable[dict[str, Any]],
    stats: DemoStats,
    values: Mapping[str, Any],
) -> Worker:
    """Write the configuration, with `values` in it, fill the log and build the worker."""
    template = _TEMPLATE.read_text()
    _check_needed(template)
    ini = folder / 'drakkar.ini'
    ini.write_text(template.format(ini=ini, folder=folder, data=folder.parent, **values))
    loaded = load_config(ini)
    configure_logging(loaded)
    handler, config = make_handler(loaded.handler, loaded.config)
    _produce(loaded.plugins.sources['log'], config, requests)
    worker = build_worker(config, handler, loaded.plugins.sources, [stats])
    add_ui(worker)
    return worker


def _outcome(worker: Worker) -> Exception | None:
    """Run the worker and return how it failed, for the command itself to raise."""
    try:
        worker.run()
    except Exception as error:
        return error
    return None


def _check_needed(template: str) -> None:
    """Raise PluginError where a distribution that the template says it needs is missing."""
    needed = template.partition('# needs: ')[2].splitlines()[0].split(', ')
    missing = [name for name in needed if not _is_installed(name)]
    if missing:
        raise PluginError(f'the demo needs {" and ".join(missing)}; pip install them first')


def _is_installed(distribution: str) -> bool:
    try:
        importlib.metadata.distribution(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _make_folder(data: Path) -> Path:
    """Make a folder for this run below `data`. Raises ConfigError where that can not be."""
    folder = data.resolve() / time.strftime('%Y-%m-%d__%H_%M_%S')
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f'--data {data} can not be written: {error.strerror}') from error
    return folder


def _produce(source: SourceSpec, config: Any, requests: Iterable[dict[str, Any]]) -> None:
    assert source.build_producer is not None, 'the embedded log has a producer'
    with source.build_producer(config, config.worker_id) as producer:
        producer.append_many(
            ProducerRecord(jsonio.dumps_bytes(r), r['request_id'].encode()) for r in requests
        )


def _watch(
    worker: Worker, running: gevent.Greenlet, stats: DemoStats, messages: int, quiet: bool
) -> None:
    """Show progress until all messages are done or the worker has ended."""
    while worker.state == 'starting' and not running.ready():
        running.join(_REFRESH_SECONDS / 10)
    if running.ready():
        return  # it could not start, and says why
    console = Console(stderr=True, quiet=quiet)
    for service in worker.parts.services:
        if service.name == 'debug':
            console.print(f'Watch it at {service.url}')
    columns = (
        TextColumn('searching'),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn('messages, {task.fields[tasks]} tasks, {task.fields[rate]:.0f} tasks/s'),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, auto_refresh=False) as progress:
        bar = progress.add_task('', total=messages, tasks=0, rate=0.0)
        while stats.messages < messages and not running.ready():
            running.join(_REFRESH_SECONDS)
            progress.update(
                bar, completed=stats.messages, tasks=stats.tasks, rate=stats.tasks / stats.seconds
            )
            progress.refresh()
