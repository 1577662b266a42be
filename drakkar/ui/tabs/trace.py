"""What happened to a message, from the files of all workers."""

from __future__ import annotations

from typing import Any

from drakkar.ui.context import UiContext
from drakkar.ui.data.tracing import traced
from drakkar.ui.errors import HttpError
from drakkar.ui.request import Request
from drakkar.ui.routes import Parameter
from drakkar.ui.tabs import Tab

QUERY = (
    Parameter(
        'q', 'PARTITION:OFFSET, TOPIC:PARTITION:OFFSET, a label, or the id of a request or task.'
    ),
)


def data(context: UiContext, request: Request) -> dict[str, Any]:
    """Return the form's text and what was found, or what is wrong with the text."""
    q = request.text('q').strip()
    shown = {'q': q, 'found': None, 'wrong': '', 'shared': bool(context.config.debug.db_dir)}
    if not q:
        return shown
    try:
        return {**shown, 'found': traced(context, q)}
    except HttpError as error:
        return {**shown, 'wrong': error.hint}


TAB = Tab('trace', 'Trace', 20, data, QUERY, 'debug-trace')
