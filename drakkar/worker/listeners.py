"""All that hear of what a worker does: metrics, recorder, live board and who counts for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry

from drakkar._version import __version__
from drakkar.contracts.observer import Observer
from drakkar.contracts.source import SourceSpec
from drakkar.handler import Handler
from drakkar.metrics import MetricsObserver
from drakkar.models.snapshot import PoolSnapshot
from drakkar.observers import combine
from drakkar.recorder import Recorder
from drakkar.recorder.live import LiveBoard
from drakkar.worker.http import HttpStats, SinkWatch
from drakkar.worker.recording import make_recorder
from drakkar.worker.stalls import StallBoard
from drakkar.worker.tasklog import TaskLog
from drakkar.worker.worker import Worker


@dataclass(frozen=True, slots=True)
class Listeners:
    """`observer` tells them all; what is not enabled is None."""

    registry: CollectorRegistry
    metrics: MetricsObserver
    stalls: StallBoard
    recorder: Recorder | None
    live: LiveBoard | None
    stats: HttpStats | None
    watch: SinkWatch | None
    observer: Observer


def make_listeners(
    config: Any,
    handler: Handler,
    spec: SourceSpec,
    worker: Worker,
    pool: Callable[[], PoolSnapshot],
    others: Sequence[Observer],
) -> Listeners:
    """Make those that `config` asks for, and have them told together with `others`."""
    registry = CollectorRegistry()
    info = _info(config, handler, spec)
    metrics = MetricsObserver(registry, info)
    stalls = StallBoard()
    tasks = TaskLog(config.debug.log_min_duration_ms / 1000)
    recorder = make_recorder(config, spec, info, worker.started_at, worker.snapshot, metrics)
    live = None
    if config.debug.enabled:
        min_duration = config.debug.ws_min_duration_ms / 1000
        live = LiveBoard(pool, handler.message_label, min_duration)
    stats = watch = None
    if config.webapp.enabled:
        rpms = {name: client.rpm for name, client in config.webapp.clients.items()}
        stats, watch = HttpStats(rpms, config.webapp.max_concurrent), SinkWatch()
        metrics.watch_clients(rpms)
    optional = (recorder and recorder.observer, live, stats, watch)
    debugging = [part for part in optional if part]
    observer = combine([metrics, stalls, tasks, *debugging, *others])
    return Listeners(registry, metrics, stalls, recorder, live, stats, watch, observer)


def _info(config: Any, handler: Handler, spec: SourceSpec) -> dict[str, str]:
    return {
        'worker_id': config.worker_id,
        'cluster': config.cluster,
        'version': __version__,
        'handler': type(handler).__name__,
        'source': spec.name,
        'group': spec.group(config),
    }
