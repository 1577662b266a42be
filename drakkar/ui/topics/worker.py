"""The topic `worker`: the state of the worker, once a second."""

from __future__ import annotations

from drakkar.ui.context import UiContext
from drakkar.ui.data.dashboard import dashboard
from drakkar.ui.ws.hub import Topic


def topic(context: UiContext) -> Topic:
    """Return the topic. Its frames are whole states: they are small, and need no memory."""

    return Topic('worker', 1.0, lambda: dashboard(context), lambda: dashboard(context))
