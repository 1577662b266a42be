"""A worker's own file is damaged, gone, locked or slow: changes are kept, calls do not hang."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing, contextmanager

import gevent
import pytest
from gevent.monkey import get_original

from drakkar.cache import disk, pending
from drakkar.cache.naming import SUFFIX
from tests.cache.damage import edit, garbage, other_database, other_format, path_of, scrambled
from tests.waiting import until

pytestmark = pytest.mark.slow

native_lock = get_original('_thread', 'allocate_lock')


@contextmanager
def no_answer(cache):
    """Let the cache's file not answer until the block ends."""
    answer = native_lock()
    with answer:
        hanging = gevent.spawn(cache._disk._store.run, lambda _: answer.acquire())
        gevent.sleep(0)
        yield
        assert not hanging.ready()
    hanging.join()


def odd_meta(path):
    edit(path, "UPDATE cache_meta SET value = 'many' WHERE key = 'seq'")


@pytest.mark.parametrize('damage', [garbage, scrambled, other_format, other_database, odd_meta])
def test_an_own_file_that_can_not_be_used_is_moved_away(caches, closed, damage):
    damage(closed)
    cache = caches.cache('broken')
    cache.set('new', 1)
    cache.flush()
    assert cache.state.problem == ''
    assert cache.get('k') is None
    assert path_of(caches, 'broken').with_name(f'broken{SUFFIX}-damaged').exists()
    cache.stop()
    assert caches.cache('broken').get('new') == 1


def test_damage_while_it_is_used_costs_what_was_in_the_file_only(caches):
    cache = caches.cache('me', max_memory_entries=1)
    for number in range(500):
        cache.set(f'k{number}', 'x' * 100)
    cache.flush()
    path = path_of(caches, 'me')
    cache._disk._store.run(lambda c: c.execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchall())
    cache._disk._store.run(lambda c: c.execute('PRAGMA cache_size = 0').fetchall())
    cache._disk._store.run(lambda c: c.execute('PRAGMA shrink_memory').fetchall())
    with path.open('r+b') as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))
    cache.set('new', 1)
    until(lambda: cache.get('k1') is None and (cache.flush(), cache.state.problem == '')[1])
    assert cache.get('new') == 1
    assert path.with_name(f'{path.name}-damaged').exists()


def test_a_file_that_was_deleted_is_made_again(caches):
    cache = caches.cache('me')
    cache.set('k', 1)
    cache.flush()
    path_of(caches, 'me').unlink()
    cache.set('new', 2)
    cache.flush()
    assert 'moved' in cache.state.problem
    cache.flush()
    assert cache.state.problem == ''
    cache.stop()
    again = caches.cache('me')
    assert (again.get('new'), again.get('k')) == (2, None)


def test_changes_wait_for_a_lock_and_are_written_after_it(caches):
    cache = caches.cache('me')
    with closing(sqlite3.connect(path_of(caches, 'me'), isolation_level=None)) as locker:
        locker.execute('BEGIN IMMEDIATE')
        cache.set('k', 1)
        cache.flush()
        assert 'write lock' in cache.state.problem
        assert (cache.get('k'), cache.state.pending) == (1, 1)
        locker.execute('ROLLBACK')
    cache.flush()
    assert (cache.state.problem, cache.state.problem_since, cache.state.pending) == ('', None, 0)


def test_where_nothing_can_be_written_the_oldest_changes_go(caches):
    cache = caches.cache('me', max_memory_entries=10)
    with closing(sqlite3.connect(path_of(caches, 'me'), isolation_level=None)) as locker:
        locker.execute('BEGIN IMMEDIATE')
        cache.set('first', 1)
        cache.set('again', 1)
        cache.flush()
        for number in range(1005):
            cache.set(f'k{number}', number)
            if number == 500:
                cache.set('again', 2)
        assert (cache.state.pending, cache.state.dropped) == (1000, 7)
        locker.execute('ROLLBACK')
    cache.flush()
    assert [cache.get(key) for key in ('first', 'k5', 'k6', 'again')] == [None, None, 6, 2]


def test_a_disk_that_does_not_answer_holds_up_one_call_only(caches, monkeypatch):
    monkeypatch.setattr(disk, '_FIND_SECONDS', 0.05)
    monkeypatch.setattr(pending, '_ROOM_SECONDS', 0.05)
    cache = caches.cache('me', max_memory_entries=1)
    cache.set('k', 1)
    cache.set('other', 1)
    cache.flush()
    with no_answer(cache):
        started = time.monotonic()
        for _ in range(1000):
            assert cache.get('k') is None
        for number in range(1100):
            cache.set(f'k{number}', number)
        assert time.monotonic() - started < 5  # if each call waited it were 55
        assert (cache.state.pending, cache.state.dropped) == (1000, 100)
    cache.flush()
    assert (cache.state.pending, cache.state.problem) == (0, '')
    monkeypatch.setattr(cache._disk, '_stuck_until', 0.0)
    assert cache.get('k') == 1


def test_waits_that_are_cut_short_let_no_more_pile_up(caches):
    cache = caches.cache('me', max_memory_entries=1)
    with no_answer(cache):
        for number in range(2100):
            with gevent.Timeout(0, False):
                cache.set(f'k{number}', number)
        assert (cache.state.pending, cache.state.dropped) == (2000, 100)


def test_a_time_limit_of_the_handler_is_the_handlers(caches):
    cache = caches.cache('me', max_memory_entries=1)
    cache.set('k', 1)
    cache.set('other', 1)
    cache.flush()
    with no_answer(cache), pytest.raises(gevent.Timeout), gevent.Timeout(0.05):
        cache.get('k')
    assert cache.get('k') == 1


def test_reads_that_wait_end_with_the_cache_and_a_killed_one_leaves_nothing(caches):
    cache = caches.cache('me', max_memory_entries=1)
    cache.set('k', 1)
    cache.set('other', 1)
    cache.flush()
    with no_answer(cache):
        readers = [gevent.spawn(cache.get, 'k') for _ in range(50)]
        gevent.sleep(0)
        readers.pop().kill()
        stopping = gevent.spawn(cache.stop)
        gevent.sleep(0)
        assert not stopping.ready()
    gevent.joinall([stopping, *readers], timeout=5)
    assert [reader.value for reader in readers] == [1] * 49
    assert cache._loading._reads == {}
    assert cache.get('none') is None
    cache.set('late', 1)  # nobody writes it any more
    assert cache.get('late') == 1


def test_a_value_that_is_no_json_any_more_is_a_miss(caches):
    cache = caches.cache('me')
    cache.set('k', 1)
    cache.stop()
    edit(path_of(caches, 'me'), "UPDATE cache_entries SET value = '{'")
    cache = caches.cache('me')
    assert cache.get('k') is None
    assert cache.state.misses == 1
