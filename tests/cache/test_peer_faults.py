"""Files of peers are damaged, locked, slow or foreign: counted, skipped, never the end."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing

import gevent
import pytest
from gevent.monkey import get_original

from drakkar.cache import sync
from drakkar.cache.naming import SUFFIX
from drakkar.contracts.cache import Scope
from tests.cache.damage import edit, garbage, other_database, other_format, path_of, scrambled

pytestmark = pytest.mark.slow

C = Scope.CLUSTER
native_sleep = get_original('time', 'sleep')


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


def empty(path):
    path.write_bytes(b'')


def half(path):
    os.truncate(path, path.stat().st_size // 2)


def without_tables(path):
    edit(path, 'DROP TABLE cache_entries')


def without_name(path):
    edit(path, 'DELETE FROM cache_meta')


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
    cache = caches.cache('me', network_folder=True, sync={'timeout_seconds': 0.5})
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
    cache = caches.cache('me', sync={'timeout_seconds': 0.4})
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
