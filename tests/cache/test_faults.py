"""Files that are damaged, locked, half written or foreign: counted, skipped, never the end."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import gevent
import pytest
from gevent.monkey import get_original

from drakkar.cache import disk, pending, sync
from drakkar.cache.naming import SUFFIX
from drakkar.contracts.cache import Scope
from tests.waiting import until

pytestmark = pytest.mark.slow

C = Scope.CLUSTER
native_sleep = get_original('time', 'sleep')


def path_of(caches, worker) -> Path:
    return caches.folder / f'{worker}{SUFFIX}'


def edit(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def closed(caches):
    """The file of a worker that has ended, with one shared entry."""
    cache = caches.cache('broken')
    cache.set('k', 1, scope=C)
    cache.stop()
    return path_of(caches, 'broken')


@pytest.fixture
def good(caches):
    """A peer after the broken one in every order of names."""
    cache = caches.cache('sound')
    cache.set('good', 1, scope=C)
    cache.flush()
    return cache


def synced(caches, **sync_settings):
    cache = caches.cache('me', sync=sync_settings)
    cache.sync()
    return cache


def peer(cache, name='broken'):
    return next(peer for peer in cache.state.peers if peer.name == name)


# Files of peers


def garbage(path):
    path.write_bytes(os.urandom(20_000))


def empty(path):
    path.write_bytes(b'')


def half(path):
    os.truncate(path, path.stat().st_size // 2)


def scrambled(path):
    data = bytearray(path.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    path.write_bytes(data)


def without_tables(path):
    edit(path, 'DROP TABLE cache_entries')


def without_name(path):
    edit(path, 'DELETE FROM cache_meta')


def other_format(path):
    edit(path, 'PRAGMA user_version = 99')


def other_database(path):
    path.unlink()
    edit(path, 'CREATE TABLE t (a)')


@pytest.mark.parametrize(
    'damage',
    [garbage, empty, half, scrambled, without_tables, without_name, other_format, other_database],
)
def test_a_broken_file_is_counted_and_the_others_are_read(caches, closed, good, damage):
    damage(closed)
    cache = synced(caches)
    assert cache.get('good') == 1
    assert cache.get('k') is None
    assert (peer(cache).errors, peer(cache).taken) == (1, 0)
    assert 'broken' in peer(cache).problem or 'who wrote it' in peer(cache).problem
    assert (peer(cache, 'sound').errors, peer(cache, 'sound').problem) == (0, '')
    cache.sync()
    assert peer(cache).errors == 2


def test_a_file_that_works_again_is_read(caches, closed):
    data = closed.read_bytes()
    garbage(closed)
    cache = synced(caches)
    assert peer(cache).problem
    closed.write_bytes(data)
    cache.sync()
    assert cache.get('k') == 1
    assert peer(cache).problem == ''


@pytest.mark.parametrize(
    'change',
    [
        "value = '{'",
        "scope = 'planet'",
        "stamp = 'now'",
        'stamp = -1',
        'stamp = 9000000000000000000',
        "expires_at = 'soon'",
        "value = x'00'",
        'deleted = 1',
    ],
)
def test_a_row_that_no_worker_would_write_is_skipped(caches, change):
    other = caches.cache('broken')
    other.set('bad', 1, scope=C)
    other.set('fine', 1, scope=C)
    other.stop()
    # Without the types that the columns ask for, as only damage could do it.
    edit(path_of(caches, 'broken'), f"UPDATE cache_entries SET {change} WHERE key = 'bad'")
    cache = synced(caches)
    assert (cache.get('bad'), cache.get('fine')) == (None, 1)
    assert peer(cache).damaged == 1
    own = caches.cache('broken')
    assert (own.get('bad'), own.get('fine'), own.state.problem) == (None, 1, '')


@pytest.mark.parametrize('seq', ["'many'", '9000000000000000000'])
def test_a_number_of_a_change_that_none_has_hides_no_other_peer(caches, good, seq):
    other = caches.cache('broken')
    other.set('bad', 1, scope=C)
    other.set('fine', 1, scope=C)
    other.stop()
    edit(path_of(caches, 'broken'), f"UPDATE cache_entries SET seq = {seq} WHERE key = 'bad'")
    cache = synced(caches, batch_size=1)
    cache.sync()
    assert (cache.get('fine'), cache.get('good')) == (1, 1)
    assert (peer(cache).read, peer(cache).problem) == (1, '')  # nothing twice


def test_a_locked_file_is_left_for_the_next_cycle(caches, good):
    other = caches.cache('broken', network_folder=True)
    other.set('k', 1, scope=C)
    other.stop()
    cache = caches.cache('me', network_folder=True, sync={'timeout_seconds': 0.2})
    with closing(sqlite3.connect(path_of(caches, 'broken'), isolation_level=None)) as locker:
        locker.execute('BEGIN EXCLUSIVE')
        cache.sync()
        assert cache.get('good') == 1
        state = peer(cache)
        assert state.errors + state.timeouts == 1
        locker.execute('ROLLBACK')
    cache.sync()
    assert cache.get('k') == 1


def test_a_writer_does_not_keep_readers_out(caches):
    other = caches.cache('other')
    other.set('k', 1, scope=C)
    other.flush()
    cache = caches.cache('me')
    with closing(sqlite3.connect(path_of(caches, 'other'), isolation_level=None)) as writer:
        writer.execute('BEGIN IMMEDIATE')
        writer.execute('DELETE FROM cache_entries')
        cache.sync()
        writer.execute('ROLLBACK')
    assert cache.get('k') == 1


def test_a_file_system_that_does_not_answer_holds_up_nobody(caches, closed, good, monkeypatch):
    read = sync.Reader.read

    def slow(self, path, *args):
        if path == closed:
            native_sleep(1)
        return read(self, path, *args)

    monkeypatch.setattr(sync, '_GRACE_SECONDS', 0)
    monkeypatch.setattr(sync.Reader, 'read', slow)
    cache = caches.cache('me', sync={'timeout_seconds': 0.1})
    syncing = gevent.spawn(cache.sync)
    ticks = 0
    while not syncing.ready():
        gevent.sleep(0.01)
        ticks += 1
    assert ticks > 5
    assert cache.get('good') == 1
    assert peer(cache).timeouts == 1
    assert 'no answer' in peer(cache).problem


def test_a_cycle_goes_on_where_its_time_ended(caches, closed, good, monkeypatch):
    asked = []
    cache = caches.cache('me', sync={'cycle_deadline_seconds': 0.05})

    def slow(self, path, *args):
        asked.append(path.name)
        native_sleep(0.06)
        raise sync.UnreadableError('slow')

    monkeypatch.setattr(sync.Reader, 'read', slow)
    cache.sync()
    cache.sync()
    assert asked == [f'broken{SUFFIX}', f'sound{SUFFIX}']


@pytest.mark.parametrize('times', [1, 5])
def test_a_file_that_changes_while_it_is_read_without_locks_is_read_again(
    caches, closed, monkeypatch, times
):
    read, changes = sync.Reader._read, []

    def changing(self, *args):
        batch = read(self, *args)
        if len(changes) < times:
            changes.append(os.utime(closed, ns=(len(changes), len(changes))))
        return batch

    monkeypatch.setattr(sync.Reader, '_read', changing)
    cache = synced(caches)
    assert cache.get('k') == (1 if times == 1 else None)
    assert ('each time' in peer(cache).problem) == (times == 5)


def test_links_and_folders_are_no_peers(caches, good, tmp_path_factory):
    (caches.folder / f'folder{SUFFIX}').mkdir()
    (caches.folder / f'link{SUFFIX}').symlink_to('/etc/passwd')
    assert [p.name for p in synced(caches).state.peers] == ['sound']


# The own file


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
    hanging = gevent.spawn(cache._disk._store.run, lambda _: native_sleep(1))
    gevent.sleep(0)
    started = time.monotonic()
    for _ in range(1000):
        assert cache.get('k') is None
    for number in range(1100):
        cache.set(f'k{number}', number)
    assert time.monotonic() - started < 0.9
    assert not hanging.ready()
    assert (cache.state.pending, cache.state.dropped) == (1000, 100)
    hanging.join()
    cache.flush()
    assert (cache.state.pending, cache.state.problem) == (0, '')
    monkeypatch.setattr(cache._disk, '_stuck_until', 0.0)
    assert cache.get('k') == 1


def test_waits_that_are_cut_short_let_no_more_pile_up(caches):
    cache = caches.cache('me', max_memory_entries=1)
    hanging = gevent.spawn(cache._disk._store.run, lambda _: native_sleep(1))
    gevent.sleep(0)
    for number in range(2100):
        with gevent.Timeout(0, False):
            cache.set(f'k{number}', number)
    assert not hanging.ready()
    assert (cache.state.pending, cache.state.dropped) == (2000, 100)
    hanging.join()


def test_a_time_limit_of_the_handler_is_the_handlers(caches):
    cache = caches.cache('me', max_memory_entries=1)
    cache.set('k', 1)
    cache.set('other', 1)
    cache.flush()
    hanging = gevent.spawn(cache._disk._store.run, lambda _: native_sleep(0.3))
    gevent.sleep(0)
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.05):
        cache.get('k')
    hanging.join()
    assert cache.get('k') == 1


def test_reads_that_wait_end_with_the_cache_and_a_killed_one_leaves_nothing(caches):
    cache = caches.cache('me', max_memory_entries=1)
    cache.set('k', 1)
    cache.set('other', 1)
    cache.flush()
    hanging = gevent.spawn(cache._disk._store.run, lambda _: native_sleep(0.2))
    gevent.sleep(0)
    readers = [gevent.spawn(cache.get, 'k') for _ in range(50)]
    gevent.sleep(0)
    readers.pop().kill()
    cache.stop()
    gevent.joinall([hanging, *readers], timeout=5)
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
