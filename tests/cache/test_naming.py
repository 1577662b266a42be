"""Whose a file is, and who removes those that nobody needs."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from drakkar.cache import naming
from drakkar.cache.naming import SUFFIX, NameLock, remove_abandoned, take_name
from drakkar.contracts.cache import Scope

C = Scope.CLUSTER
TOO_LONG = 86_400


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_name_belongs_to_one_at_a_time(tmp_path):
    name, lock = take_name(tmp_path, 'w')
    other, second = take_name(tmp_path, 'w')
    third, last = take_name(tmp_path, 'w')
    assert (name, other, third) == ('w', f'w~{os.getpid()}', f'w~{os.getpid()}_2')
    lock.release()
    lock.release()
    name, lock = take_name(tmp_path, 'w')
    assert name == 'w'
    for held in (lock, second, last):
        held.release()
    assert names(tmp_path) == []


def test_a_lock_that_was_removed_as_it_was_taken_is_taken_again(tmp_path, monkeypatch):
    path = tmp_path / 'w-cache.lock'
    flock, calls = naming.fcntl.flock, []

    def late(descriptor, how):
        if not calls:
            path.unlink()  # by the process that had it
        calls.append(flock(descriptor, how))

    monkeypatch.setattr(naming.fcntl, 'flock', late)
    lock = NameLock.take(tmp_path, 'w')
    assert len(calls) == 2
    assert NameLock.take(tmp_path, 'w') is None
    lock.release()


def test_where_no_locks_are_nobody_is_kept_out_and_nothing_removed(tmp_path, monkeypatch):
    def unsupported(descriptor, how):
        raise OSError(95, 'Operation not supported')

    monkeypatch.setattr(naming.fcntl, 'flock', unsupported)
    name, lock = take_name(tmp_path, 'w')
    assert (name, lock.is_held) == ('w', False)
    path = tmp_path / f'w{SUFFIX}'
    path.touch()
    assert not remove_abandoned(path)
    assert path.exists()
    lock.release()


def test_two_workers_of_one_name_have_a_file_each_and_hear_of_each_other(caches):
    first, second = caches.cache('w'), caches.cache('w')
    first.set('k', 1, scope=C)
    first.set('mine', 1)
    first.flush()
    second.sync()
    assert (second.get('k'), second.get('mine')) == (1, None)
    second.delete('k')
    second.flush()
    first.sync()
    assert 'k' not in first
    first.stop()
    second.stop()
    assert names(caches.folder) == [f'w{SUFFIX}', f'w~{os.getpid()}{SUFFIX}']


def test_a_file_that_nobody_comes_back_to_is_removed_when_nobody_reads_it_any_more(caches):
    gone = caches.cache('host-1', temporary_name=True)
    named = caches.cache('named')
    peer = caches.cache('peer')
    gone.set('k', 1, scope=C)
    named.set('mine', 1)
    for cache in (gone, named):
        cache.stop()
    peer.sync()
    assert peer.get('k') == 1
    assert f'host-1{SUFFIX}' in names(caches.folder)
    for _ in range(3):
        caches.now += TOO_LONG / 3
        peer.clean()
        peer.sync()
    assert [state.name for state in peer.state.peers] == ['named']
    peer.stop()
    assert names(caches.folder) == [f'named{SUFFIX}', f'peer{SUFFIX}']
    with closing(sqlite3.connect(caches.folder / f'peer{SUFFIX}')) as connection:
        assert connection.execute('SELECT peer FROM cache_cursors').fetchall() == [('named',)]


def test_a_file_that_only_seems_to_be_left_stays(caches):
    living = caches.cache('host-1', temporary_name=True)
    peer = caches.cache('peer')
    living.set('k', 1, scope=C)
    living.flush()
    caches.skew['peer'] = TOO_LONG  # its clock is wrong
    peer.sync()
    assert peer.state.peers[0].stale
    assert f'host-1{SUFFIX}' in names(caches.folder)
    caches.skew.clear()
    peer.sync()
    assert peer.get('k') == 1
