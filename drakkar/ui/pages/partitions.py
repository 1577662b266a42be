"""`/partitions` and one of them."""

from __future__ import annotations

from drakkar.recorder.queries import EventFilter
from drakkar.ui import links
from drakkar.ui.context import UiContext
from drakkar.ui.data import partitions
from drakkar.ui.data.dashboard import dashboard
from drakkar.ui.data.events import events
from drakkar.ui.errors import HttpError
from drakkar.ui.request import Request
from drakkar.ui.routes import Page, Parameter, Route

TOPIC = Parameter('topic', 'The topic, where the worker reads several.')
BEFORE = Parameter('before', 'Only events with ids below this one.', 'integer')

_MAX_PARTITION = 2**31 - 1


def show_all(context: UiContext, request: Request) -> Page:
    return Page('partitions.html', {'state': dashboard(context)})


def show_one(context: UiContext, request: Request) -> Page:
    """Show one partition; recorded events too of one that is not assigned any more."""
    topic, number = request.text('topic'), request.path['partition']
    if number > _MAX_PARTITION:
        raise HttpError(404, f'partitions have numbers up to {_MAX_PARTITION}')
    before = request.integer('before')
    found = events(context, EventFilter(topic=topic or None, partition=number), before)
    following = found['next']
    return Page(
        'partition.html',
        {
            'number': number,
            'topic': topic,
            'found': partitions.find(context.snapshot(), number, topic),
            'events': found,
            'history': links.history(partition=number),
            'flush_seconds': context.config.debug.flush_interval_seconds,
            'newest': request.url(before=None) if before is not None else '',
            'older': request.url(before=following) if following is not None else '',
        },
    )


ROUTES = [
    Route('GET', '/partitions', show_all, 'Assigned partitions.'),
    Route('GET', '/partitions/{partition:int}', show_one, 'One partition.', (TOPIC, BEFORE)),
]
