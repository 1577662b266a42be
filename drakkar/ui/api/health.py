"""`/healthz` and `/readyz`, as on the metrics port; without a token."""

from __future__ import annotations

from drakkar.ui.context import UiContext
from drakkar.ui.request import Request
from drakkar.ui.routes import Json, Route
from drakkar.ui.schema import TEXT, listing, record


def healthy(context: UiContext, request: Request) -> Json:
    return Json({'status': 'ok'})


def ready(context: UiContext, request: Request) -> Json:
    reasons = list(context.not_ready())
    if reasons:
        return Json({'status': 'not_ready', 'reasons': reasons}, 503)
    return Json({'status': 'ready', 'reasons': []})


ROUTES = [
    Route(
        'GET',
        '/healthz',
        healthy,
        'Whether the process answers.',
        returns=record(status=TEXT),
        public=True,
    ),
    Route(
        'GET',
        '/readyz',
        ready,
        'Whether the worker works, and why not: 503 then.',
        returns=record(status=TEXT, reasons=listing(TEXT)),
        public=True,
    ),
]
