"""The state of this worker, what it is made of, and who else there is."""

from __future__ import annotations

from drakkar.config.show import as_mapping
from drakkar.ui.context import UiContext
from drakkar.ui.data import partitions, sinks
from drakkar.ui.data.dashboard import DASHBOARD, dashboard
from drakkar.ui.data.workers import WORKERS, workers
from drakkar.ui.errors import HttpError
from drakkar.ui.pages.partitions import TOPIC
from drakkar.ui.request import Request
from drakkar.ui.routes import Json, Route
from drakkar.ui.schema import ANY, TEXT, mapping, record


def get_dashboard(context: UiContext, request: Request) -> Json:
    return Json(dashboard(context))


def get_partitions(context: UiContext, request: Request) -> Json:
    return Json({'partitions': partitions.partitions(context.snapshot())})


def get_partition(context: UiContext, request: Request) -> Json:
    number, topic = request.path['partition'], request.text('topic')
    found = partitions.find(context.snapshot(), number, topic)
    if not found:
        raise HttpError(404, f'partition {number} is not assigned to this worker')
    return Json({'partitions': found})


def get_sinks(context: UiContext, request: Request) -> Json:
    return Json({'sinks': sinks.sinks(context.snapshot())})


def get_workers(context: UiContext, request: Request) -> Json:
    return Json(workers(context))


def get_config(context: UiContext, request: Request) -> Json:
    return Json({'sections': as_mapping(context.config)})


_PARTITIONS = record(partitions=partitions.PARTITIONS)
ROUTES = [
    Route('GET', '/api/dashboard', get_dashboard, 'The worker at one look.', returns=DASHBOARD),
    Route('GET', '/api/partitions', get_partitions, 'Assigned partitions.', returns=_PARTITIONS),
    Route(
        'GET',
        '/api/partitions/{partition:int}',
        get_partition,
        'Assigned partitions of this number: one, or one a topic.',
        query=(TOPIC,),
        returns=_PARTITIONS,
    ),
    Route('GET', '/api/sinks', get_sinks, 'Sink instances.', returns=record(sinks=sinks.SINKS)),
    Route('GET', '/api/workers', get_workers, 'Workers by cluster.', returns=WORKERS),
    Route(
        'GET',
        '/api/config',
        get_config,
        'The configuration in effect, with the origin of each value; secrets are masked.',
        returns=record(sections=mapping(mapping(record(value=ANY, origin=TEXT)))),
    ),
]
