"""Every metric with what it means and what it says now."""

from __future__ import annotations

from typing import Any

from drakkar.ui.context import UiContext
from drakkar.ui.data.metrics import SOURCES, matches, metrics
from drakkar.ui.request import Request
from drakkar.ui.routes import Parameter
from drakkar.ui.tabs import Tab

QUERY = (
    Parameter('q', 'Words that name, labels or meaning must contain.'),
    Parameter('source', f'Only metrics of this source: {", ".join(SOURCES)}.'),
)


def data(context: UiContext, request: Request) -> dict[str, Any]:
    """Return all metrics of the source; those that the words leave out are only hidden."""
    q = request.text('q')
    found = metrics(context, '', request.text('source'))
    hidden = {row['name'] for row in found['metrics'] if not matches(row, q)}
    return {**found, 'q': q, 'hidden': hidden, 'shown': len(found['metrics']) - len(hidden)}


TAB = Tab('metrics', 'Metrics', 10, data, QUERY, 'metrics')
