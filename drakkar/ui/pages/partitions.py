"""`/partitions` and one of them."""

from __future__ import annotations

from drakkar.ui.context import UiContext
from drakkar.ui.data import partitions
from drakkar.ui.data.dashboard import dashboard
from drakkar.ui.request import Request
from drakkar.ui.routes import Page, Parameter, Route

TOPIC = Parameter('topic', 'The topic, where the worker reads several.')


def show_all(context: UiContext, request: Request) -> Page:
    return Page('partitions.html', {'state': dashboard(context)})


def show_one(context: UiContext, request: Request) -> Page:
    """Show one partition; recorded events too of one that is not assigned any more."""
    topic, number = request.text('topic'), request.path['partition']
    found = partitions.find(context.snapshot(), number, topic)
    return Page('partition.html', {'number': number, 'topic': topic, 'found': found})


ROUTES = [
    Route('GET', '/partitions', show_all, 'Assigned partitions.'),
    Route('GET', '/partitions/{partition:int}', show_one, 'One partition.', (TOPIC,)),
]
