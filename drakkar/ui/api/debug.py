"""Metrics, periodic methods and the Message Probe."""

from __future__ import annotations

from drakkar.ui.context import UiContext
from drakkar.ui.data.metrics import METRICS, metrics
from drakkar.ui.data.periodic import PERIODIC, periodic
from drakkar.ui.data.probe import REPORT, REQUEST
from drakkar.ui.errors import HttpError
from drakkar.ui.request import Request
from drakkar.ui.routes import Json, Route
from drakkar.ui.schema import BOOLEAN, TEXT, record
from drakkar.ui.tabs.metrics import QUERY
from drakkar.worker.probe import (
    Probe,
    ProbeBusyError,
    ProbeRequest,
    ProbeRequestError,
    ProbeUnavailableError,
)


def get_metrics(context: UiContext, request: Request) -> Json:
    return Json(metrics(context, request.text('q'), request.text('source')))


def get_periodic(context: UiContext, request: Request) -> Json:
    return Json({'methods': periodic(context)})


def post_probe(context: UiContext, request: Request) -> Json:
    """Probe a message; answers when it is over."""
    probe = _probe(context)
    try:
        return Json(probe.run(ProbeRequest.parse(request.json())))
    except ProbeRequestError as error:
        raise HttpError(422, str(error), 'invalid_request') from error
    except ProbeBusyError as error:
        raise HttpError(503, f'{error}; try again when one is over', 'capacity') from error
    except ProbeUnavailableError as error:
        raise HttpError(503, str(error)) from error


def post_cancel(context: UiContext, request: Request) -> Json:
    body = request.json()
    probe_id = body.get('probe_id') if isinstance(body, dict) else None
    if not isinstance(probe_id, str):
        raise HttpError(422, 'probe_id: expected text', 'invalid_request')
    return Json({'cancelled': _probe(context).cancel(probe_id)})


def _probe(context: UiContext) -> Probe:
    probe: Probe | None = context.probe
    if probe is None:
        raise HttpError(404, 'this worker has no probe')
    return probe


ROUTES = [
    Route(
        'GET',
        '/api/metrics',
        get_metrics,
        'Every metric of this process with its meaning and values.',
        query=QUERY,
        returns=METRICS,
    ),
    Route(
        'GET',
        '/api/periodic',
        get_periodic,
        "The handler's periodic methods and their last runs.",
        returns=record(methods=PERIODIC),
    ),
    Route(
        'POST',
        '/api/probe',
        post_probe,
        'Run a message through the handler; nothing is delivered, committed or recorded.',
        body=REQUEST,
        returns=REPORT,
    ),
    Route(
        'POST',
        '/api/probe/cancel',
        post_cancel,
        'End a probe and kill its programs; its own answer then says so.',
        body=record(probe_id=TEXT),
        returns=record(cancelled=BOOLEAN),
    ),
]
