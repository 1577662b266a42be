"""The state of the worker at one look."""

from __future__ import annotations

import time
from typing import Any

from drakkar._version import __version__
from drakkar.models.snapshot import WorkerSnapshot
from drakkar.ui import links
from drakkar.ui.context import UiContext
from drakkar.ui.data import counters
from drakkar.ui.data.partitions import PARTITIONS, partitions
from drakkar.ui.data.problems import PROBLEMS, problems
from drakkar.ui.data.sinks import SINKS, sinks
from drakkar.ui.data.webapp import WEBAPP, webapp
from drakkar.ui.schema import BOOLEAN, INTEGER, NUMBER, TEXT, listing, mapping, maybe, record

CARD = record(
    key=TEXT, title=TEXT, value=INTEGER, meaning=TEXT, metric=TEXT, state=TEXT, graph=TEXT
)
DASHBOARD = record(
    worker_id=TEXT,
    cluster=TEXT,
    version=TEXT,
    state=TEXT,
    ready=BOOLEAN,
    reasons=listing(TEXT),
    now=NUMBER,
    started_at=NUMBER,
    uptime_seconds=NUMBER,
    paused=BOOLEAN,
    total_queued=INTEGER,
    lag=maybe(INTEGER),
    partition_count=INTEGER,
    stats=mapping(INTEGER),
    pool=record(
        max_executors=INTEGER,
        active=INTEGER,
        waiting=INTEGER,
        utilization=NUMBER,
        idle_slot_seconds=NUMBER,
    ),
    problems=PROBLEMS,
    cards=listing(CARD),
    partitions=PARTITIONS,
    sinks=SINKS,
    webapp=WEBAPP,
    custom_links=listing(record(title=TEXT, url=TEXT)),
)


def dashboard(context: UiContext) -> dict[str, Any]:
    """Return everything that the dashboard, the partitions and the sinks show."""
    state = context.snapshot()
    found = counters.cards(context)
    reasons = list(context.not_ready())
    now = time.time()
    return {
        'worker_id': context.worker_id,
        'cluster': context.cluster,
        'version': __version__,
        'state': state.state,
        'ready': not reasons,
        'reasons': reasons,
        'now': now,
        'started_at': state.started_at,
        'uptime_seconds': round(max(0.0, now - state.started_at), 3),
        'paused': state.paused,
        'total_queued': state.total_queued,
        'lag': _lag(state),
        'partition_count': len(state.partitions),
        'stats': {card['key']: card['value'] for card in found},
        'pool': _pool(state),
        'problems': problems(context, state),
        'cards': found,
        'partitions': partitions(state),
        'sinks': sinks(state),
        'webapp': webapp(state.webapp),
        'custom_links': custom_links(context),
    }


def custom_links(context: UiContext) -> list[dict[str, str]]:
    """Return the links of the configuration with their placeholders filled in."""
    ports = context.ports()
    values = {
        'worker_id': context.worker_id,
        'cluster_name': context.cluster,
        'metrics_port': ports['metrics'],
        'debug_port': ports['debug'],
    }
    made = [
        {'title': title, 'url': links.filled(template, values)}
        for title, template in context.config.debug.custom_links.items()
    ]
    return [link for link in made if link['url']]


def _lag(state: WorkerSnapshot) -> int | None:
    known = [p.lag for p in state.partitions if p.lag is not None]
    return sum(known) if known else None


def _pool(state: WorkerSnapshot) -> dict[str, Any]:
    pool = state.pool
    return {
        'max_executors': pool.max_executors,
        'active': pool.active,
        'waiting': pool.waiting,
        'utilization': round(pool.active / pool.max_executors, 4) if pool.max_executors else 0.0,
        'idle_slot_seconds': round(pool.idle_slot_seconds, 3),
    }
