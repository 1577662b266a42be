"""What a handler sees of its cache, with and without a file."""

from __future__ import annotations

import datetime
import math
import sqlite3
import uuid

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drakkar.cache import CacheSettings, WorkerCache
from drakkar.contracts.cache import CacheCounts, NullCache, Scope, counting
from drakkar.probing import scope as probe_scope
from tests.cache.world import NOW

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@pytest.fixture(params=['memory', 'disk'])
def cache(request, caches):
    return caches.cache(**({'db_dir': None} if request.param == 'memory' else {}))


def test_what_was_set_is_there_until_it_is_deleted(cache):
    assert cache.get('k') is None
    assert cache.get('k', 'other') == 'other'
    cache.set('k', {'a': [1, None]})
    assert cache.get('k') == cache.peek('k') == {'a': [1, None]}
    assert 'k' in cache
    cache.delete('k')
    assert cache.get('k') is None
    assert cache.peek('k', 0) == 0
    assert 'k' not in cache
    cache.delete('k')


def test_a_value_is_a_copy(cache):
    value = {'list': [1]}
    cache.set('k', value)
    value['list'].append(2)
    cache.get('k')['list'].append(3)
    cache.peek('k')['list'].append(4)
    assert cache.get('k') == {'list': [1]}


@pytest.mark.parametrize(
    'value',
    [
        (1, 2),
        {1: 'a'},
        {'a': {2}},
        b'bytes',
        math.nan,
        [math.inf],
        1 << 64,
        datetime.date(2025, 1, 1),
        uuid.UUID(int=1),
        object(),
        '\ud800',
    ],
    ids=repr,
)
def test_what_is_no_json_value_is_refused_and_changes_nothing(cache, value):
    cache.set('k', 'before')
    with pytest.raises(TypeError, match="'k'"):
        cache.set('k', value)
    assert cache.get('k') == 'before'


def test_a_value_within_itself_is_refused(cache):
    value: list = []
    value.append(value)
    with pytest.raises(TypeError, match='in itself'):
        cache.set('k', value)


@pytest.mark.parametrize('key', [1, None, b'k', '\ud800'])
def test_a_key_is_a_text(cache, key):
    with pytest.raises(TypeError):
        cache.set(key, 1)


def test_what_can_be_no_key_is_not_found_and_stops_no_writing(cache):
    assert cache.get('\ud800') is None
    assert cache.peek('\ud800') is None
    assert '\ud800' not in cache
    with pytest.raises(TypeError, match='no key'):
        cache.delete('\ud800')
    cache.set('k', 1)
    cache.flush()
    assert (cache.state.pending, cache.state.problem) == (0, '')


@pytest.mark.parametrize('ttl', [0, -1, math.nan])
def test_a_lifetime_is_above_zero(cache, ttl):
    with pytest.raises(ValueError, match='ttl'):
        cache.set('k', 1, ttl=ttl)


def test_an_unknown_scope_is_refused(cache):
    with pytest.raises(ValueError, match='planet'):
        cache.set('k', 1, scope='planet')


def test_a_value_expires(cache, caches):
    cache.set('k', 1, ttl=10)
    cache.set('forever', 1, ttl=math.inf)
    caches.now += 9.5
    assert cache.get('k') == 1
    caches.now += 0.5
    assert cache.get('k') is None
    assert 'k' not in cache
    assert cache.get('forever') == 1
    cache.clean()
    assert cache.state.memory_entries == 1


def test_the_least_recently_used_goes_first(caches):
    cache = caches.cache(db_dir=None, max_memory_entries=2)
    cache.set('a', 1)
    cache.set('b', 2)
    cache.get('a')
    cache.peek('b')  # looks, and is no use
    cache.set('c', 3)
    assert [cache.get(key) for key in 'abc'] == [1, None, 3]
    assert cache.state.evictions == 1


def test_what_memory_has_no_room_for_comes_from_disk(caches):
    cache = caches.cache(max_memory_entries=1)
    cache.set('a', [1])
    cache.set('b', 2)
    assert cache.peek('a') == [1]  # not written yet, so still here
    cache.flush()
    assert cache.peek('a', 'not here') == 'not here'
    assert cache.get('a') == [1]
    assert cache.peek('a') == [1]
    state = cache.state
    assert (state.hits_memory, state.hits_sqlite, state.misses) == (2, 1, 1)


def test_a_restart_keeps_what_was_set(caches):
    cache = caches.cache()
    cache.set('k', 'v')
    cache.set('short', 'v', ttl=5)
    cache.set('gone', 'v')
    cache.flush()
    cache.delete('gone')
    cache.stop()
    caches.now += 5
    again = caches.cache()
    assert again.get('k') == 'v'
    assert again.get('short') is None
    assert again.get('gone') is None


def test_a_change_that_is_not_written_hides_what_is(caches):
    cache = caches.cache()
    cache.set('k', 1)
    cache.flush()
    cache.delete('k')
    assert cache.get('k') is None
    cache.set('k', 2)
    assert cache.get('k') == 2


def test_a_value_that_changes_while_it_is_read_from_disk_is_read_again(caches):
    cache = caches.cache(max_memory_entries=1)
    cache.set('k', 'old')
    cache.set('other', 1)
    cache.flush()
    reader = gevent.spawn(cache.get, 'k')
    gevent.sleep(0)  # it waits for the native thread now
    assert not reader.ready()
    cache.set('k', 'new')
    assert reader.get() == 'new'
    assert cache.peek('k') == 'new'


def test_a_deletion_while_it_is_read_from_disk_holds(caches):
    cache = caches.cache(max_memory_entries=1)
    cache.set('k', 'old')
    cache.set('other', 1)
    cache.flush()
    reader = gevent.spawn(cache.get, 'k')
    gevent.sleep(0)
    cache.delete('k')
    assert reader.get() is None
    assert cache.get('k') is None


def test_a_change_while_the_one_before_is_written_is_written_too(caches):
    cache = caches.cache()
    cache.set('k', 'old')
    writing = gevent.spawn(cache.flush)
    gevent.sleep(0)
    assert not writing.ready()
    cache.set('k', 'new')
    writing.join()
    assert cache.state.pending == 1
    cache.stop()
    assert caches.cache().get('k') == 'new'


def test_more_changes_than_may_wait_are_written_meanwhile(caches):
    cache = caches.cache(max_memory_entries=10)
    for number in range(3000):
        cache.set(f'k{number}', number)
        assert cache.state.pending <= 1000
    assert cache.state.dropped == 0
    cache.flush()
    assert [cache.get(f'k{n}') for n in (0, 1500, 2999)] == [0, 1500, 2999]


def test_a_value_that_changes_all_the_time_is_written_too(caches):
    cache = caches.cache()
    for number in range(2000):
        cache.set(f'k{number}', number)
    cache.set('hot', 0)
    writing = gevent.spawn(cache.flush)
    while not writing.ready():
        cache.set(f'k{number}', number)
        cache.set('hot', 1)
        number += 1
        gevent.sleep(0)
    caches.crash(cache)
    assert caches.cache().get('hot') is not None


def test_writes_are_counted_by_scope(cache):
    cache.set('a', 1)
    cache.set('b', 1, scope=Scope.GLOBAL)
    cache.set('c', 1, scope='global')
    cache.delete('a')
    assert cache.state.writes == {'local': 1, 'cluster': 0, 'global': 2}
    assert cache.state.deletes == 1


def test_hits_and_misses_of_one_request_are_counted_apart(cache):
    cache.set('k', 1)
    cache.get('k')
    with counting(CacheCounts()) as counts:
        cache.get('k')
        cache.peek('k')
        cache.get('none')
        assert 'k' in cache
    cache.get('none')
    assert (counts.hits, counts.misses) == (2, 1)


def test_the_probe_leaves_no_trace(caches):
    cache = caches.cache(max_memory_entries=1)
    cache.set('k', 1)
    cache.set('other', 1)
    cache.flush()
    before = repr(cache.state)
    with probe_scope(lambda _: None):
        assert cache.get('k') == 1
        assert cache.peek('k') is None
        assert 'k' in cache
        cache.set('k', 2)
        cache.set('new', 2)
        cache.delete('other')
        with pytest.raises(TypeError):
            cache.set('k', {1})
    assert repr(cache.state) == before
    assert (cache.get('k'), cache.get('new'), cache.get('other')) == (1, None, 1)


def test_the_stub_accepts_all_and_keeps_nothing():
    cache = NullCache()
    cache.set('k', 1, ttl=3, scope=Scope.CLUSTER)
    assert cache.get('k') is None
    assert cache.peek('k', 2) == 2
    assert 'k' not in cache
    cache.delete('k')


@given(key=st.text(), value=JSON)
def test_every_json_value_comes_out_as_it_went_in(key, value):
    cache = WorkerCache(CacheSettings(), 'w')
    cache.set(key, value)
    assert cache.get(key) == value


def test_the_file_says_what_it_holds(caches):
    cache = caches.cache('a/b')
    cache.set('k', 1, ttl=60, scope=Scope.CLUSTER)
    cache.stop()
    [path] = caches.folder.glob('*.db')
    assert path.name == 'a%2Fb-cache.db'
    connection = sqlite3.connect(path)
    row = connection.execute(
        'SELECT key, value, scope, expires_at, origin, deleted FROM cache_entries'
    ).fetchone()
    connection.close()
    assert row == ('k', '1', 'cluster', NOW + 60, 'a/b', 0)
