"""What runs, is ready and where, as a table or for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from integration.stack.control import Control
from integration.stack.table import columns, places


def report(control: Control) -> dict[str, Any]:
    """Return the state of all services, ready for JSON. Raises ControlError."""
    status, ready = control.ask('status'), control.ask('ready')['services']
    where = places(status['ports'])
    services = {}
    for name, found in status['services'].items():
        pids = found['pids']
        services[name] = {
            'running': found['running'],
            'ready': ready.get(name, False),
            'pid': pids[0] if pids else None,
            'log': found['log'],
            'places': [{'at': at, 'what': what} for at, what in where.get(name, [])],
        }
    return {'services': services, 'ports': status['ports']}


def as_json(found: dict[str, Any]) -> str:
    """Return the report for scripts."""
    return json.dumps(found, indent=2)


def as_table(found: dict[str, Any]) -> Iterator[str]:
    """Yield the report's lines for readers: state, pid and each place of a service."""
    rows: list[tuple[str, ...]] = [('service', 'state', 'pid', 'where', '')]
    for name, service in found['services'].items():
        state = '-'
        if service['running']:
            state = 'ready' if service['ready'] else 'not ready'
        start = (name, state, str(service['pid'] or ''))
        shown = [(place['at'], place['what']) for place in service['places']] or [('', '')]
        rows += [
            ((*start, *place) if number == 0 else ('', '', '', *place))
            for number, place in enumerate(shown)
        ]
    return columns(rows)
