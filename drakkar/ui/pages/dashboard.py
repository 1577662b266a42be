"""`/`: the worker at one look."""

from __future__ import annotations

from drakkar.ui.context import UiContext
from drakkar.ui.data.dashboard import dashboard
from drakkar.ui.request import Request
from drakkar.ui.routes import Page, Route


def show(context: UiContext, request: Request) -> Page:
    return Page('dashboard.html', {'state': dashboard(context)})


ROUTES = [Route('GET', '/', show, 'Dashboard: the worker at one look.')]
