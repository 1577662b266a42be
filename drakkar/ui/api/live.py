"""What the live page shows, as JSON."""

from __future__ import annotations

from drakkar.ui.context import UiContext
from drakkar.ui.data.live import EARLIER, LIVE, earlier, live
from drakkar.ui.request import Request
from drakkar.ui.routes import Json, Parameter, Route

_MOST = 1000


def get_live(context: UiContext, request: Request) -> Json:
    return Json(live(context))


def get_bars(context: UiContext, request: Request) -> Json:
    before = request.integer('before', default=2**63 - 1)
    limit = request.integer('limit', default=_MOST, low=1, high=_MOST)
    return Json(earlier(context, before, limit))


ROUTES = [
    Route(
        'GET',
        '/api/live',
        get_live,
        'What runs now, the last tasks and the last calls of hooks.',
        returns=LIVE,
    ),
    Route(
        'GET',
        '/api/live/bars',
        get_bars,
        'Tasks that ended before those of `/api/live`, page by page.',
        query=(
            Parameter('before', 'The revision that `earlier` named.', 'integer'),
            Parameter('limit', f'Most tasks to return, up to {_MOST}.', 'integer', _MOST),
        ),
        returns=EARLIER,
    ),
]
