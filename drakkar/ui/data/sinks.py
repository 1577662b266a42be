"""The sink instances and how their deliveries go."""

from __future__ import annotations

from typing import Any

from drakkar import redact
from drakkar.models.snapshot import SinkSnapshot, WorkerSnapshot
from drakkar.ui import links
from drakkar.ui.schema import INTEGER, NUMBER, TEXT, listing, maybe, record

SINK = record(
    key=TEXT,
    type=TEXT,
    name=TEXT,
    label=TEXT,
    ui_url=TEXT,
    queued=INTEGER,
    delivered=INTEGER,
    errors=INTEGER,
    retries=INTEGER,
    state=TEXT,
    last_delivery_at=maybe(NUMBER),
    last_delivery_seconds=maybe(NUMBER),
    last_error=TEXT,
    last_error_at=maybe(NUMBER),
)
SINKS = listing(SINK)

_BREAKER = {0.0: 'closed', 0.5: 'half-open', 1.0: 'open'}


def sinks(state: WorkerSnapshot) -> list[dict[str, Any]]:
    """Return every configured sink instance."""
    return [_row(s) for s in state.sinks]


def _row(s: SinkSnapshot) -> dict[str, Any]:
    return {
        'key': str(s.sink),
        'type': s.sink.type,
        'name': s.sink.name,
        'label': s.label or s.sink.type,
        'ui_url': links.safe(s.ui_url),
        'queued': s.queued,
        'delivered': s.delivered,
        'errors': s.errors,
        'retries': s.retries,
        'state': _BREAKER.get(s.breaker, 'open'),
        'last_delivery_at': s.last_delivery_at,
        'last_delivery_seconds': s.last_delivery_seconds,
        'last_error': redact.text(s.last_error),
        'last_error_at': s.last_error_at,
    }
