"""The handler's cache: what it counted, its peers, its entries, one of them."""

from __future__ import annotations

from typing import Any

from drakkar import jsonio
from drakkar.ui.context import UiContext
from drakkar.ui.data import cache
from drakkar.ui.errors import HttpError
from drakkar.ui.request import Request
from drakkar.ui.routes import Parameter
from drakkar.ui.tabs import Tab

QUERY = (
    Parameter('q', 'A part of the key, in either case.'),
    Parameter('scope', f'Only entries of this scope: {", ".join(cache.SCOPES)}.'),
    Parameter('key', 'One entry to show whole.'),
)


def data(context: UiContext, request: Request) -> dict[str, Any]:
    """Return the state of the cache with what was looked for, or what is wrong with that."""
    q, scope = request.text('q'), request.text('scope')
    shown = {**cache.stats(context), 'q': q, 'scope': scope, 'scopes': cache.SCOPES}
    shown |= {'entries': [], 'more': False, 'entry': None, 'value': None, 'wrong': ''}
    if not shown['enabled']:
        return shown
    try:
        if 'key' in request.query:
            entry = cache.entry(context, request.text('key'))
            return {**shown, 'entry': entry, 'value': _readable(entry['value'])}
        return {**shown, **cache.entries(context, q, scope)}
    except HttpError as error:
        return {**shown, 'wrong': error.hint}


def _readable(text: str) -> Any:
    """Return the value of a JSON text, or the text where it was cut or holds what is masked."""
    try:
        value = jsonio.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, str) else value


TAB = Tab('cache', 'Cache', 50, data, QUERY, 'debug-cache')
