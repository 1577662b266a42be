"""The workers that one can switch to, grouped by cluster."""

from __future__ import annotations

from typing import Any

from drakkar.ui.context import UiContext
from drakkar.ui.schema import BOOLEAN, TEXT, listing, record

WORKERS = record(
    shared=BOOLEAN,
    clusters=listing(
        record(
            name=TEXT,
            workers=listing(record(worker_id=TEXT, url=TEXT, current=BOOLEAN, alive=BOOLEAN)),
        )
    ),
)


def workers(context: UiContext) -> dict[str, Any]:
    """Return this worker and those it sees in its `db_dir`."""
    own = {'worker_id': context.worker_id, 'url': '/', 'current': True, 'alive': True}
    return {
        'shared': bool(context.config.debug.db_dir),
        'clusters': [{'name': context.cluster, 'workers': [own]}],
    }
