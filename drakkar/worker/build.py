"""Puts a worker together: the only place that knows the concrete classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry

from drakkar._version import __version__
from drakkar.cache import CacheSettings, WorkerCache
from drakkar.consumer.assignment import Assignment
from drakkar.consumer.backpressure import Backpressure
from drakkar.consumer.loop import PollLoop
from drakkar.contracts.observer import Observer
from drakkar.contracts.service import Service
from drakkar.contracts.sink import Sink
from drakkar.contracts.source import DeadLetterQueue, Source, SourceSpec
from drakkar.delivery.jsonlines import JsonLines
from drakkar.delivery.router import Router
from drakkar.delivery.settings import DeliverySettings
from drakkar.errors import DrakkarError, HandlerError
from drakkar.executor.pool import ProcessPool
from drakkar.handler import Handler
from drakkar.hubmonitor import HubMonitor
from drakkar.metrics import MetricsExporter, MetricsObserver, SnapshotCollector
from drakkar.models.delivery import SinkRef
from drakkar.models.message import TopicPartition
from drakkar.models.snapshot import WorkerSnapshot
from drakkar.observers import combine
from drakkar.pipeline.commit import Committer
from drakkar.pipeline.decode import Decoder
from drakkar.pipeline.hooks import Hooks
from drakkar.pipeline.parts import Parts
from drakkar.pipeline.processor import PartitionProcessor
from drakkar.recorder.live import LiveBoard
from drakkar.worker.http import HttpRuns, HttpStats, SinkWatch
from drakkar.worker.periodic import Periodic
from drakkar.worker.probe import Probe
from drakkar.worker.recording import make_recorder
from drakkar.worker.snapshot import Observatory
from drakkar.worker.stalls import StallBoard
from drakkar.worker.tasklog import TaskLog
from drakkar.worker.worker import Machinery, Worker


def make_handler(handler_class: type[Handler], config: Any) -> tuple[Handler, Any]:
    """Make the handler and let it change the configuration; return both.

    Raises HandlerError where `on_startup` returns something else or either raises;
    a DrakkarError goes through, since it is a message for the user already.
    """
    step = '__init__'
    try:
        handler = handler_class()
        handler.options = config.handler
        step = 'on_startup'
        changed = handler.on_startup(config)
    except DrakkarError:
        raise
    except Exception as error:
        raise HandlerError(
            f'{step} of {handler_class.__name__} raised {type(error).__name__}: {error}'
        ) from error
    if changed is None:
        changed = config
    if not isinstance(changed, type(config)):
        raise HandlerError(
            f'on_startup of {handler_class.__name__} returned {changed!r:.200}; '
            'it must return the configuration it was given'
        )
    return handler, changed


def build_worker(
    config: Any,
    handler: Handler,
    sources: Mapping[str, SourceSpec],
    observers: Sequence[Observer] = (),
    source: Source | None = None,
    dead_letters: DeadLetterQueue | None = None,
) -> Worker:
    """Build everything that `config` asks for; nothing is started or connected.

    `source` and `dead_letters` replace those of the configuration, in tests.
    """
    worker = Worker()
    spec = sources[config.drakkar.source]
    registry = CollectorRegistry()
    info = _info(config, handler, spec)
    metrics = MetricsObserver(registry, info)
    stalls = StallBoard()
    tasks = TaskLog(config.debug.log_min_duration_ms / 1000)
    recorder = make_recorder(config, spec, info, worker.started_at, worker.snapshot, metrics)
    live = None
    if config.debug.enabled:
        min_duration = config.debug.ws_min_duration_ms / 1000
        live = LiveBoard(lambda: executor.snapshot(), handler.message_label, min_duration)
    stats = watch = None
    if config.webapp.enabled:
        rpms = {name: client.rpm for name, client in config.webapp.clients.items()}
        stats, watch = HttpStats(rpms, config.webapp.max_concurrent), SinkWatch()
        metrics.watch_clients(rpms)
    optional = (recorder and recorder.observer, live, stats, watch)
    debugging = [part for part in optional if part]
    observer = combine([metrics, stalls, tasks, *debugging, *observers])
    handler._annotate = observer.annotation
    cache = None
    if config.cache.enabled:
        cache = WorkerCache(CacheSettings.of(config), config.worker_id, config.cluster)
        handler.cache = cache

    source = source or spec.build(config, config.worker_id)
    dead_letters = dead_letters or _dead_letters(config, spec)
    hooks = Hooks(handler, observer)
    executor = ProcessPool(config.executor, observer, worker.greenlets)
    sinks, labels = _sinks(config)
    metrics.watch_sinks(list(sinks))
    router = Router(
        sinks,
        dead_letters,
        hooks.on_delivery_error,
        observer,
        DeliverySettings.of(config.sinks, config.dlq),
        worker.greenlets,
        config.worker_id,
        labels,
    )
    pressure = Backpressure.for_executors(
        config.executor.max_executors,
        config.executor.backpressure_high_multiplier,
        config.executor.backpressure_low_multiplier,
    )
    committer = Committer(source, observer, config.source, lambda lost: assignment.lost(lost))

    def finished(count: int) -> None:
        pressure.remove(count)
        if pressure.active and pressure.total <= pressure.low:
            loop.relieved.set()

    parts = Parts(
        hooks=hooks,
        decoder=Decoder(handler),
        executor=executor,
        delivery=router,
        observer=observer,
        options=config.executor,
        on_parse_error=config.source.on_parse_error,
        origin=spec.name,
        committable=committer.mark,
        finished=finished,
        failed=worker.fail,
    )

    def make_processor(partition: TopicPartition) -> PartitionProcessor:
        return PartitionProcessor(partition, parts)

    assignment = Assignment(
        make_processor,
        source,
        committer,
        worker.greenlets,
        observer,
        hooks,
        config.executor.drain_timeout_seconds,
    )
    loop = PollLoop(source, assignment, pressure, observer, config.source)

    def identity() -> WorkerSnapshot:
        return WorkerSnapshot(
            config.worker_id,
            config.cluster,
            worker.started_at,
            state=worker.state,
            recorder=recorder.state if recorder else None,
            cache=cache.state if cache else None,
            webapp=stats.state if stats else None,
        )

    http = None
    if watch is not None:
        http = HttpRuns(handler, config, executor, router, observer, watch, worker.greenlets)
    monitor = HubMonitor(observer.runtime_stall)
    observatory = Observatory(
        identity, source, assignment, pressure, loop, executor, router, stalls
    )
    registry.register(SnapshotCollector(observatory.snapshot, lambda: monitor.lag))
    services: list[Service] = []
    if config.metrics.enabled:
        services.append(
            MetricsExporter(
                registry, worker.reasons_not_ready, config.metrics.host, config.metrics.port
            )
        )
    worker.adopt(
        Machinery(
            config=config,
            handler=handler,
            observer=observer,
            source=source,
            executor=executor,
            router=router,
            dead_letters=dead_letters,
            committer=committer,
            assignment=assignment,
            pressure=pressure,
            loop=loop,
            periodic=Periodic(handler, observer, worker.greenlets),
            probe=Probe(handler, config, sinks, spec.name),
            monitor=monitor,
            observatory=observatory,
            cache=cache,
            http=http,
            recorder=recorder,
            live=live,
            services=services,
            registry=registry,
        )
    )
    return worker


def _info(config: Any, handler: Handler, spec: SourceSpec) -> dict[str, str]:
    return {
        'worker_id': config.worker_id,
        'cluster': config.cluster,
        'version': __version__,
        'handler': type(handler).__name__,
        'source': spec.name,
        'group': spec.group(config),
    }


def _sinks(config: Any) -> tuple[dict[SinkRef, Sink], dict[str, str]]:
    """Make every configured sink instance; return them, and the labels of their types."""
    sinks: dict[SinkRef, Sink] = {}
    labels: dict[str, str] = {}
    for ref, instance in config.sink_instances.items():
        spec = instance.spec
        if spec.complete is not None:
            spec.complete(instance.options, config)
        sinks[ref] = spec.load_class()(instance.name, instance.options)
        labels[spec.name] = spec.label or spec.name
    return sinks, labels


def _dead_letters(config: Any, spec: SourceSpec) -> DeadLetterQueue:
    if spec.build_dead_letters is not None:
        return spec.build_dead_letters(config, config.worker_id)
    return JsonLines(config.dlq.path, config.worker_id)
