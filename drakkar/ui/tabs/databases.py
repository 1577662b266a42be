"""The recorder files of the shared folder: look, take away, merge."""

from __future__ import annotations

from typing import Any

from drakkar.ui.context import UiContext
from drakkar.ui.data.databases import databases
from drakkar.ui.request import Request
from drakkar.ui.tabs import Tab


def data(context: UiContext, request: Request) -> dict[str, Any]:
    return {**databases(context), 'q': request.text('q')}


TAB = Tab('databases', 'Databases', 30, data, script='debug-databases')
