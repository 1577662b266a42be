"""What people find in the cache."""

from __future__ import annotations

import pytest

from drakkar.cache import Search
from drakkar.contracts.cache import Scope


@pytest.fixture(params=['memory', 'disk', 'pending'])
def cache(request, caches):
    cache = caches.cache(**({'db_dir': None} if request.param == 'memory' else {}))
    cache.set('first', 1)
    caches.now += 1
    cache.set('Second_50%', 2, scope=Scope.CLUSTER)
    caches.now += 1
    cache.set('third', 3, ttl=10)
    cache.set('gone', 4)
    cache.delete('gone')
    if request.param == 'disk':
        cache.flush()
    return cache


def found(cache, *args, **kwargs):
    return [entry.key for entry in cache.browse(Search(*args, **kwargs))]


def test_the_newest_come_first(cache):
    assert found(cache) == ['third', 'Second_50%', 'first']
    assert found(cache, limit=2) == ['third', 'Second_50%']


def test_a_part_of_the_key_is_enough_in_either_case(cache):
    assert found(cache, 'IR') == ['third', 'first']
    assert found(cache, 'second_50%') == ['Second_50%']
    assert found(cache, 'd_5') == ['Second_50%']
    assert found(cache, 'd%5') == found(cache, '\\') == []


def test_only_one_scope(cache):
    assert found(cache, scope='cluster') == ['Second_50%']
    assert found(cache, 'x', scope='local') == []


def test_what_has_expired_is_not_shown(cache, caches):
    caches.now += 10
    assert found(cache) == ['Second_50%', 'first']
    assert cache.look('third') is None


def test_one_entry(cache, caches):
    entry = cache.look('third')
    assert (entry.json, entry.scope, entry.expires_at) == ('3', Scope.LOCAL, caches.now + 10)
    assert cache.look('gone') is None
    assert cache.look('none') is None
    assert (cache.state.hits_memory, cache.state.misses) == (0, 0)


def test_a_change_hides_what_is_on_disk(caches):
    cache = caches.cache()
    cache.set('k', 'old')
    cache.set('gone', 1)
    cache.flush()
    cache.set('k', 'new')
    cache.delete('gone')
    assert [(e.key, e.json) for e in cache.browse(Search())] == [('k', '"new"')]
