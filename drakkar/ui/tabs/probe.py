"""The Message Probe: its form, filled with a message that the handler may take."""

from __future__ import annotations

from typing import Any

from drakkar.ui.context import UiContext
from drakkar.ui.data.probe import example
from drakkar.ui.request import Request
from drakkar.ui.tabs import Tab
from drakkar.worker.probe.request import TIMEOUT_MAX_SECONDS, TIMEOUT_SECONDS


def data(context: UiContext, request: Request) -> dict[str, Any]:
    return {
        'example': example(context),
        'timeout_seconds': int(TIMEOUT_SECONDS),
        'timeout_max_seconds': int(TIMEOUT_MAX_SECONDS),
    }


TAB = Tab('probe', 'Message Probe', 60, data, script='probe')
