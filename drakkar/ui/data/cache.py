"""The handler's cache: how it goes, what is in it."""

from __future__ import annotations

from typing import Any

from drakkar import redact
from drakkar.cache import Search, WorkerCache
from drakkar.cache.clock import seconds
from drakkar.cache.entry import Entry
from drakkar.contracts.cache import Scope
from drakkar.models.snapshot import CachePeerState, CacheState
from drakkar.readonly import UnreadableError
from drakkar.ui.context import UiContext
from drakkar.ui.errors import HttpError
from drakkar.ui.schema import BOOLEAN, INTEGER, NUMBER, TEXT, listing, mapping, maybe, record

SCOPES = [scope.value for scope in Scope]
LIST_ROWS = 100
# Of one value: in the list, and by itself.
PREVIEW_CHARACTERS = 100
VALUE_CHARACTERS = 65_536

PEER = record(
    key=TEXT,
    worker=TEXT,
    cluster=TEXT,
    taken=INTEGER,
    read=INTEGER,
    errors=INTEGER,
    timeouts=INTEGER,
    damaged=INTEGER,
    state=TEXT,
    problem=TEXT,
    synced_at=maybe(NUMBER),
)
STATS = record(
    enabled=BOOLEAN,
    path=TEXT,
    problem=TEXT,
    memory_entries=INTEGER,
    max_memory_entries=INTEGER,
    disk_entries=INTEGER,
    pending=INTEGER,
    hits=INTEGER,
    hits_memory=INTEGER,
    hits_sqlite=INTEGER,
    misses=INTEGER,
    hit_rate=maybe(NUMBER),
    writes=mapping(INTEGER),
    sets=INTEGER,
    deletes=INTEGER,
    evictions=INTEGER,
    dropped=INTEGER,
    sync_enabled=BOOLEAN,
    sync_cycles=INTEGER,
    sync_problem=TEXT,
    peers=listing(PEER),
)
_ROW = {
    'key': TEXT,
    'size': INTEGER,
    'scope': TEXT,
    'origin': TEXT,
    'changed_at': NUMBER,
    'expires_at': maybe(NUMBER),
    'in_memory': BOOLEAN,
}
ENTRIES = record(entries=listing(record(preview=TEXT, **_ROW)), more=BOOLEAN)
ENTRY = record(value=TEXT, truncated=BOOLEAN, **_ROW)


def stats(context: UiContext) -> dict[str, Any]:
    """Return what is counted, and the peers by name."""
    cache = context.cache
    state = cache.state if cache is not None else CacheState()
    hits = state.hits_memory + state.hits_sqlite
    asked = hits + state.misses
    return {
        'enabled': cache is not None,
        'path': state.path,
        'problem': redact.text(state.problem),
        'memory_entries': state.memory_entries,
        'max_memory_entries': state.max_memory_entries,
        'disk_entries': state.disk_entries,
        'pending': state.pending,
        'hits': hits,
        'hits_memory': state.hits_memory,
        'hits_sqlite': state.hits_sqlite,
        'misses': state.misses,
        'hit_rate': round(hits / asked, 4) if asked else None,
        'writes': dict(state.writes),
        'sets': sum(state.writes.values()),
        'deletes': state.deletes,
        'evictions': state.evictions,
        'dropped': state.dropped,
        'sync_enabled': bool(state.path) and context.config.cache.peer_sync.enabled,
        'sync_cycles': state.sync_cycles,
        'sync_problem': redact.text(state.sync_problem),
        'peers': [_peer(peer) for peer in state.peers],
    }


def _peer(peer: CachePeerState) -> dict[str, Any]:
    return {
        'key': peer.name,
        'worker': peer.worker or peer.name,
        'cluster': peer.cluster,
        'taken': peer.taken,
        'read': peer.read,
        'errors': peer.errors,
        'timeouts': peer.timeouts,
        'damaged': peer.damaged,
        'state': 'stale' if peer.stale else 'failed' if peer.problem else 'ok',
        'problem': redact.text(peer.problem),
        'synced_at': peer.synced_at or None,
    }


def entries(context: UiContext, q: str, scope: str, limit: int = LIST_ROWS) -> dict[str, Any]:
    """Return the newest entries whose key has `q`. Raises HttpError."""
    if scope and scope not in SCOPES:
        raise HttpError(400, f'scope must be one of {", ".join(SCOPES)}, not {scope[:40]!r}')
    cache = _cache(context)
    limit = min(limit, context.max_rows)
    try:
        found = cache.browse(Search(q, scope, limit + 1))
    except UnreadableError as error:
        raise HttpError(503, redact.text(str(error))) from error
    rows = [
        {**_row(cache, entry), 'preview': redact.text(entry.json[:PREVIEW_CHARACTERS])}
        for entry in found[:limit]
    ]
    return {'entries': rows, 'more': len(found) > limit}


def entry(context: UiContext, key: str) -> dict[str, Any]:
    """Return one entry with its value as JSON text. Raises HttpError(404) where there is none."""
    cache = _cache(context)
    found = cache.look(key)
    if found is None:
        raise HttpError(404, f'the cache has no entry {key[:200]!r}')
    return {
        **_row(cache, found),
        'value': redact.text(found.json[:VALUE_CHARACTERS]),
        'truncated': len(found.json) > VALUE_CHARACTERS,
    }


def _row(cache: WorkerCache, entry: Entry) -> dict[str, Any]:
    return {
        'key': entry.key,
        'size': len(entry.json),
        'scope': entry.scope.value if entry.scope else '',
        'origin': entry.origin,
        'changed_at': seconds(entry.stamp),
        'expires_at': entry.expires_at,
        'in_memory': cache.is_in_memory(entry.key),
    }


def _cache(context: UiContext) -> WorkerCache:
    if context.cache is None:
        raise HttpError(404, 'this worker has no cache: [cache] enabled = false')
    return context.cache
