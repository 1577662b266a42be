"""The handler's periodic methods: last runs, errors, the next one."""

from __future__ import annotations

from typing import Any

from drakkar.ui.context import UiContext
from drakkar.ui.data.periodic import periodic
from drakkar.ui.request import Request
from drakkar.ui.tabs import Tab


def data(context: UiContext, request: Request) -> dict[str, Any]:
    return {'methods': periodic(context)}


TAB = Tab('periodic', 'Periodic', 40, data, script='fresh')
