"""The cache in a scrape."""

from __future__ import annotations

from drakkar.metrics.cache import MAX_PEERS, cache_families
from drakkar.models.snapshot import CachePeerState, CacheState


def scraped(state):
    return {
        (sample.name.removeprefix('drakkar_cache_'), *sample.labels.values()): sample.value
        for family in cache_families(state)
        for sample in family.samples
    }


def test_what_the_cache_counts_is_exported():
    peer = CachePeerState('w2', taken=4, errors=1, timeouts=2, damaged=5)
    found = scraped(
        CacheState(
            memory_entries=1,
            disk_entries=2,
            pending=3,
            hits_memory=4,
            hits_sqlite=5,
            misses=6,
            writes={'local': 7, 'global': 8},
            deletes=9,
            evictions=10,
            dropped=11,
            peers=[peer],
        )
    )
    assert found == {
        ('memory_entries',): 1,
        ('disk_entries',): 2,
        ('pending_entries',): 3,
        ('hits_total', 'memory'): 4,
        ('hits_total', 'sqlite'): 5,
        ('misses_total',): 6,
        ('writes_total', 'local'): 7,
        ('writes_total', 'global'): 8,
        ('deletes_total',): 9,
        ('evictions_total',): 10,
        ('dropped_total',): 11,
        ('sync_entries_total', 'w2'): 4,
        ('sync_failures_total', 'w2'): 3,
        ('sync_damaged_total', 'w2'): 5,
    }


def test_a_worker_without_a_cache_exports_zeros():
    assert set(scraped(None).values()) == {0}


def test_many_peers_are_few_series():
    found = scraped(CacheState(peers=[CachePeerState(f'w{n}', taken=1) for n in range(1000)]))
    taken = {key[1]: value for key, value in found.items() if key[0] == 'sync_entries_total'}
    assert len(taken) == MAX_PEERS + 1
    assert sum(taken.values()) == 1000
