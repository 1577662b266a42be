"""Puts a worker together: with listeners.py, the only place that knows the concrete classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry

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
from drakkar.metrics import MetricsExporter, SnapshotCollector
from drakkar.models.delivery import SinkRef
from drakkar.models.message import TopicPartition
from drakkar.models.snapshot import WorkerSnapshot
from drakkar.pipeline.commit import Committer
from drakkar.pipeline.decode import Decoder
from drakkar.pipeline.hooks import Hooks
from drakkar.pipeline.parts import Parts
from drakkar.pipeline.processor import PartitionProcessor
from drakkar.worker.http import HttpRuns
from drakkar.worker.listeners import Listeners, make_listeners
from drakkar.worker.periodic import Periodic
from drakkar.worker.probe import Probe
from drakkar.worker.snapshot import Observatory
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
    told = make_listeners(config, handler, spec, worker, lambda: executor.snapshot(), observers)
    observer = told.observer
    handler._annotate = observer.annotation
    cache = _cache(config, handler)

    source = source or spec.build(config, config.worker_id)
    dead_letters = dead_letters or _dead_letters(config, spec)
    hooks = Hooks(handler, observer)
    executor = ProcessPool(config.executor, observer, worker.greenlets)
    sinks, labels = _sinks(config)
    told.metrics.watch_sinks(list(sinks))
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
    parts = partial(
        Parts,
        hooks=hooks,
        decoder=Decoder(handler),
        executor=executor,
        delivery=router,
        observer=observer,
        options=config.executor,
        on_parse_error=config.source.on_parse_error,
        origin=spec.name,
        failed=worker.fail,
    )
    consumer = _consumer(config, worker, source, observer, hooks, parts)

    http = None
    if told.watch is not None:
        http = HttpRuns(handler, config, executor, router, observer, told.watch, worker.greenlets)
    monitor = HubMonitor(observer.runtime_stall)
    observatory = Observatory(
        _identity(config, worker, told, cache),
        source,
        consumer.assignment,
        consumer.pressure,
        consumer.loop,
        executor,
        router,
        told.stalls,
    )
    told.registry.register(SnapshotCollector(observatory.snapshot, lambda: monitor.lag))
    worker.adopt(
        Machinery(
            config=config,
            handler=handler,
            observer=observer,
            source=source,
            executor=executor,
            router=router,
            dead_letters=dead_letters,
            committer=consumer.committer,
            assignment=consumer.assignment,
            pressure=consumer.pressure,
            loop=consumer.loop,
            periodic=Periodic(handler, observer, worker.greenlets),
            probe=Probe(handler, config, sinks, spec.name),
            monitor=monitor,
            observatory=observatory,
            cache=cache,
            http=http,
            recorder=told.recorder,
            live=told.live,
            services=_services(config, worker, told.registry),
            registry=told.registry,
        )
    )
    return worker


@dataclass(frozen=True, slots=True)
class _Consumer:
    """What polls, opens partitions, keeps the load within bounds and commits."""

    committer: Committer
    assignment: Assignment
    pressure: Backpressure
    loop: PollLoop


def _consumer(
    config: Any,
    worker: Worker,
    source: Source,
    observer: Observer,
    hooks: Hooks,
    make_parts: Callable[..., Parts],
) -> _Consumer:
    """Build the consumer; `make_parts` lacks only what the pipeline tells it."""
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

    parts = make_parts(committable=committer.mark, finished=finished)

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
    return _Consumer(committer, assignment, pressure, loop)


def _identity(
    config: Any, worker: Worker, told: Listeners, cache: WorkerCache | None
) -> Callable[[], WorkerSnapshot]:
    """Return what begins each snapshot: who the worker is, and what is not part of its pipeline."""

    def identity() -> WorkerSnapshot:
        return WorkerSnapshot(
            config.worker_id,
            config.cluster,
            worker.started_at,
            state=worker.state,
            recorder=told.recorder.state if told.recorder else None,
            cache=cache.state if cache else None,
            webapp=told.stats.state if told.stats else None,
        )

    return identity


def _cache(config: Any, handler: Handler) -> WorkerCache | None:
    """Give the handler its cache, where it is enabled."""
    if not config.cache.enabled:
        return None
    cache = WorkerCache(CacheSettings.of(config), config.worker_id, config.cluster)
    handler.cache = cache
    return cache


def _services(config: Any, worker: Worker, registry: CollectorRegistry) -> list[Service]:
    if not config.metrics.enabled:
        return []
    metrics = config.metrics
    return [MetricsExporter(registry, worker.reasons_not_ready, metrics.host, metrics.port)]


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
