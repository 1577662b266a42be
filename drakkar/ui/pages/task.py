"""`/task/{id}`: one task."""

from __future__ import annotations

from typing import Any

from drakkar.ui.context import UiContext
from drakkar.ui.data.task import task
from drakkar.ui.request import Request
from drakkar.ui.routes import Page, Route

# Longer ones are cut on the page; the JSON has them whole.
MAX_SHOWN_CHARS = 200_000
_WIDTH = 1000


def show(context: UiContext, request: Request) -> Page:
    """Show a task. Raises HttpError(404)."""
    found = task(context, request.path['task_id'])
    options = context.config.debug
    return Page(
        'task.html',
        {
            'task': found,
            'bars': bars(found['timeline']),
            'max_chars': MAX_SHOWN_CHARS,
            'output_min_ms': options.output_min_duration_ms,
        },
    )


def bars(timeline: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the timeline's bars with their place on a scale of _WIDTH, and when they began."""
    if not timeline:
        return []
    first = min(bar['start'] for bar in timeline)
    span = max(bar['end'] for bar in timeline) - first or 1.0
    return [
        {
            **bar,
            'x': round(_WIDTH * (bar['start'] - first) / span, 2),
            # A moment is still seen.
            'width': max(round(_WIDTH * (bar['end'] - bar['start']) / span, 2), 4),
            'after': bar['start'] - first,
            'took': bar['end'] - bar['start'],
        }
        for bar in timeline
    ]


ROUTES = [Route('GET', '/task/{task_id:path}', show, 'One task: runs, output, what came from it.')]
