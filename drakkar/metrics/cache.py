"""The handler's cache at scrape time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from drakkar.models.snapshot import CachePeerState, CacheState

# Files of workers that will not come back stay in the folder; the rest is counted as one.
MAX_PEERS = 100
OTHER_PEERS = 'others'


def cache_families(state: CacheState | None) -> Iterator[Metric]:
    """Return the metrics of a cache, zeros where the worker has none."""
    cache = state or CacheState()
    yield from _use(cache)
    yield _gauge('memory_entries', 'Entries in memory.', cache.memory_entries)
    yield _gauge(
        'disk_entries',
        'Entries in the file; of the last cleanup where there are many.',
        cache.disk_entries,
    )
    yield _gauge('pending_entries', 'Changes that are not on disk yet.', cache.pending)
    yield _counter('deletes', 'Deletions by the handler.', cache.deletes)
    yield _counter(
        'evictions',
        'Entries that left memory for want of room; on disk they stay.',
        cache.evictions,
    )
    yield _counter('dropped', 'Changes lost because the file could not be written.', cache.dropped)
    yield from _peers(cache.peers)


def _use(cache: CacheState) -> Iterator[Metric]:
    hits = _counter('hits', 'Values that were found, in memory or in SQLite.', labels=('source',))
    hits.add_metric(('memory',), cache.hits_memory)
    hits.add_metric(('sqlite',), cache.hits_sqlite)
    yield hits
    yield _counter('misses', 'Values that were asked for and not found.', cache.misses)
    writes = _counter('writes', 'Values that the handler set, by scope.', labels=('scope',))
    for scope, count in cache.writes.items():
        writes.add_metric((scope,), count)
    yield writes


def _peers(peers: list[CachePeerState]) -> Iterator[Metric]:
    taken = _counter('sync_entries', 'Entries that were taken over from a peer.', labels=('peer',))
    _by_peer(taken, peers, lambda peer: peer.taken)
    yield taken
    failed = _counter(
        'sync_failures',
        "Attempts to read a peer's file that failed or took too long.",
        labels=('peer',),
    )
    _by_peer(failed, peers, lambda peer: peer.errors + peer.timeouts)
    yield failed
    damaged = _counter(
        'sync_damaged', "Entries in a peer's file that can not be used.", labels=('peer',)
    )
    _by_peer(damaged, peers, lambda peer: peer.damaged)
    yield damaged


def _by_peer(
    family: CounterMetricFamily,
    peers: list[CachePeerState],
    count: Callable[[CachePeerState], int],
) -> None:
    for peer in peers[:MAX_PEERS]:
        family.add_metric((peer.name,), count(peer))
    if len(peers) > MAX_PEERS:
        family.add_metric((OTHER_PEERS,), sum(map(count, peers[MAX_PEERS:])))


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f'drakkar_cache_{name}', meaning, value)


def _counter(
    name: str, meaning: str, value: float | None = None, labels: tuple[str, ...] | None = None
) -> CounterMetricFamily:
    return CounterMetricFamily(f'drakkar_cache_{name}', meaning, value, labels)
