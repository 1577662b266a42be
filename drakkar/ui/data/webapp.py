"""The HTTP endpoint at one look."""

from __future__ import annotations

from typing import Any

from drakkar.models.snapshot import WebappState
from drakkar.ui.schema import INTEGER, TEXT, listing, maybe, record

_CLIENT = record(key=TEXT, name=TEXT, rpm=INTEGER, ok=INTEGER, errors=INTEGER, refused=INTEGER)
WEBAPP = maybe(
    record(
        in_flight=INTEGER,
        max_concurrent=INTEGER,
        ok=INTEGER,
        errors=INTEGER,
        refused=INTEGER,
        clients=listing(_CLIENT),
    )
)


def webapp(state: WebappState | None) -> dict[str, Any] | None:
    """Return the endpoint's state, counts of the last 60 seconds; None where there is none."""
    if state is None:
        return None
    return {
        'in_flight': state.in_flight,
        'max_concurrent': state.max_concurrent,
        'ok': sum(client.ok for client in state.clients),
        'errors': sum(client.errors for client in state.clients),
        'refused': sum(client.refused for client in state.clients) + state.unknown,
        'clients': [
            {
                'key': client.name,
                'name': client.name,
                'rpm': client.rpm,
                'ok': client.ok,
                'errors': client.errors,
                'refused': client.refused,
            }
            for client in state.clients
        ],
    }
