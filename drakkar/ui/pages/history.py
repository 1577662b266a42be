"""`/history`: every recorded event."""

from __future__ import annotations

from typing import Any

from drakkar.ui.context import UiContext
from drakkar.ui.data import history
from drakkar.ui.request import Request
from drakkar.ui.routes import Page, Route

_TIMES = ('5m', '1h', '6h', '1d')


def show(context: UiContext, request: Request) -> Page:
    """Show a page of events. Raises HttpError(400) for filters that mean nothing."""
    chosen = history.wanted(request)
    before = request.integer('before')
    limit = request.integer('limit', history.PAGE_ROWS, 1)
    file = request.text('file')
    found = history.history(context, chosen, before, limit, file)
    return Page(
        'history.html',
        {
            'found': found,
            'chosen': chosen,
            'since': request.text('since'),
            'until': request.text('until'),
            'times': _TIMES,
            'groups': history.GROUPS,
            'counts': history.counts(context, file)['counts'],
            'origins': _origins(context),
            'flush_seconds': context.config.debug.flush_interval_seconds,
            'filtered': bool(set(request.query) - {'before', 'limit', 'file'}),
            'newest': request.url(before=None, file=None) if before is not None or file else '',
            'older': _older(request, found),
        },
    )


def _older(request: Request, found: dict[str, Any]) -> str:
    """Return where older events are: further down in this file, or in the one before it."""
    if found['next'] is not None:
        return request.url(before=found['next'])
    if found['older_file']:
        return request.url(before=None, file=found['older_file'])
    return ''


def _origins(context: UiContext) -> list[str]:
    """Return the origins that events of this worker may have."""
    source = context.config.drakkar.source
    return [name for name in history.ORIGINS if name in (source, 'http')]


ROUTES = [Route('GET', '/history', show, 'Recorded events, by filters.', query=history.QUERY)]
