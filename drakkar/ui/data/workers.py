"""The workers that one can switch to, grouped by cluster."""

from __future__ import annotations

from typing import Any

from drakkar.ui import links
from drakkar.ui.context import UiContext
from drakkar.ui.schema import BOOLEAN, NUMBER, TEXT, listing, maybe, record

_WORKER = record(worker_id=TEXT, url=TEXT, current=BOOLEAN, alive=BOOLEAN, seen_at=maybe(NUMBER))
WORKERS = record(
    shared=BOOLEAN,
    clusters=listing(record(name=TEXT, workers=listing(_WORKER))),
    broken=listing(record(name=TEXT, reason=TEXT)),
)


def workers(context: UiContext) -> dict[str, Any]:
    """Return this worker and those that share its `db_dir`, its own cluster first."""
    found = context.switcher.found()
    clusters: dict[str, dict[str, dict[str, Any]]] = {context.cluster: {}}
    for peer in found.peers:
        clusters.setdefault(peer.cluster, {})[peer.worker_id] = {
            'worker_id': peer.worker_id,
            'url': links.safe(peer.address),
            'current': False,
            'alive': peer.live,
            'seen_at': peer.seen_at or None,
        }
    own = {'url': '/', 'current': True, 'alive': True, 'seen_at': None}
    clusters[context.cluster][context.worker_id] = {'worker_id': context.worker_id, **own}
    names = sorted(clusters, key=lambda name: (name != context.cluster, name))
    return {
        'shared': bool(context.config.debug.db_dir),
        'clusters': [
            {'name': name, 'workers': [clusters[name][w] for w in sorted(clusters[name])]}
            for name in names
        ],
        'broken': [{'name': b.name, 'reason': b.reason} for b in found.broken],
    }
