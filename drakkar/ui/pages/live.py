"""`/live`: what the worker does right now."""

from __future__ import annotations

from drakkar.ui.context import UiContext
from drakkar.ui.data.live import TABS
from drakkar.ui.request import Request
from drakkar.ui.routes import Page, Parameter, Route


def show(context: UiContext, request: Request) -> Page:
    tab = request.text('tab')
    pool = context.snapshot().pool
    shown = {
        'tab': tab if tab in TABS else TABS[0],
        'tabs': TABS,
        'slots': pool.max_executors,
        'min_duration': context.config.debug.ws_min_duration_ms / 1000,
    }
    return Page('live.html', shown)


ROUTES = [
    Route(
        'GET',
        '/live',
        show,
        'Running and finished tasks on a timeline, and the last calls of hooks.',
        (Parameter('tab', f'What to show: {", ".join(TABS)}.', default=TABS[0]),),
    )
]
