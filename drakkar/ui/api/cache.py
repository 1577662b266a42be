"""The handler's cache."""

from __future__ import annotations

from drakkar.ui.context import UiContext
from drakkar.ui.data import cache
from drakkar.ui.errors import HttpError
from drakkar.ui.request import Request
from drakkar.ui.routes import Json, Parameter, Route

QUERY = (
    Parameter('q', 'A part of the key, in either case.'),
    Parameter('scope', f'Only entries of this scope: {", ".join(cache.SCOPES)}.'),
    Parameter('limit', 'Most entries to return.', 'integer', cache.LIST_ROWS),
)
KEY = Parameter('key', 'The key of one entry.')


def get_stats(context: UiContext, request: Request) -> Json:
    return Json(cache.stats(context))


def get_entries(context: UiContext, request: Request) -> Json:
    limit = request.integer('limit', cache.LIST_ROWS, 1)
    return Json(cache.entries(context, request.text('q'), request.text('scope'), limit))


def get_entry(context: UiContext, request: Request) -> Json:
    if 'key' not in request.query:
        raise HttpError(400, 'key: which entry?')
    return Json(cache.entry(context, request.text('key')))


ROUTES = [
    Route(
        'GET',
        '/api/cache',
        get_stats,
        "What the handler's cache has counted, and its peers.",
        returns=cache.STATS,
    ),
    Route(
        'GET',
        '/api/cache/entries',
        get_entries,
        'Entries of the cache, the newest first; values are cut.',
        query=QUERY,
        returns=cache.ENTRIES,
    ),
    Route(
        'GET',
        '/api/cache/entry',
        get_entry,
        'One entry of the cache with its value, as JSON text.',
        query=(KEY,),
        returns=cache.ENTRY,
    ),
]
