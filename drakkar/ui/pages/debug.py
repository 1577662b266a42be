"""`/debug`: tools behind tabs."""

from __future__ import annotations

from drakkar.ui.context import UiContext
from drakkar.ui.errors import HttpError
from drakkar.ui.request import Request
from drakkar.ui.routes import Page, Parameter, Route
from drakkar.ui.tabs import Tab, all_tabs

_TABS: dict[str, Tab] = {tab.key: tab for tab in all_tabs()}
_FIRST = next(iter(_TABS))


def show(context: UiContext, request: Request) -> Page:
    """Show one tab. Raises HttpError(404) for one that does not exist."""
    key = request.text('tab', _FIRST)
    if key not in _TABS:
        raise HttpError(404, f'there is no such tab; there are {", ".join(_TABS)}')
    tab = _TABS[key]
    return Page(
        'debug.html', {'tabs': list(_TABS.values()), 'open': tab, 'tab': tab.data(context, request)}
    )


def _query() -> tuple[Parameter, ...]:
    """Return the parameters of all tabs; those of one name mean the same."""
    found = {'tab': Parameter('tab', f'The open tab: {", ".join(_TABS)}.', default=_FIRST)}
    for tab in _TABS.values():
        for parameter in tab.query:
            found.setdefault(parameter.name, parameter)
    return tuple(found.values())


ROUTES = [Route('GET', '/debug', show, 'Tools behind tabs.', query=_query())]
