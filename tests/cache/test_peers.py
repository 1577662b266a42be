"""What workers get of each other."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from drakkar.cache.naming import SUFFIX
from drakkar.contracts.cache import Scope
from tests.cache.world import NOW
from tests.waiting import until

C, G, L = Scope.CLUSTER, Scope.GLOBAL, Scope.LOCAL


def spread(*caches):
    """Let all caches know what all others have."""
    for cache in caches:
        cache.flush()
    for cache in caches:
        cache.sync()


def test_a_shared_value_reaches_the_cluster_a_global_one_all_a_local_one_nobody(caches):
    a, b = caches.cache('a'), caches.cache('b')
    stranger = caches.cache('c', cluster='red')
    for scope in Scope:
        a.set(scope.value, 'from a', scope=scope)
    spread(a, b, stranger)
    assert [b.get(key) for key in ('local', 'cluster', 'global')] == [None, 'from a', 'from a']
    assert [stranger.get(key) for key in ('local', 'cluster', 'global')] == [None, None, 'from a']


def test_a_value_is_handed_on_by_others(caches):
    a, b = caches.cache('a'), caches.cache('b')
    a.set('k', 1, scope=C)
    spread(a, b)
    a.stop()
    for path in caches.folder.glob(f'a{SUFFIX}*'):
        path.unlink()
    c = caches.cache('c')
    c.sync()
    assert c.get('k') == 1
    again = caches.cache('a')
    again.sync()
    assert again.get('k') == 1


def test_a_stranger_hands_on_nothing_of_another_cluster(caches):
    a, red = caches.cache('a'), caches.cache('r', cluster='red')
    a.set('k', 1, scope=C)
    spread(a, red)
    other = caches.cache('o', cluster='red')
    spread(red, other)
    assert 'k' not in red
    assert 'k' not in other


def test_a_deletion_spreads_even_where_the_deleter_has_it_on_disk_only(caches):
    a, b = caches.cache('a'), caches.cache('b', max_memory_entries=1)
    a.set('k', 1, scope=C)
    spread(a, b)
    assert b.peek('k', 'on disk only') == 'on disk only'
    b.delete('k')
    spread(b, a)
    assert a.get('k') is None
    assert a.peek('k') is None


def test_a_newer_value_replaces_what_is_in_memory_and_what_is_not_written_yet(caches):
    a, b = caches.cache('a'), caches.cache('b')
    b.set('memory', 'old', scope=C)
    b.flush()
    b.set('pending', 'old', scope=C)
    caches.now += 1
    a.set('memory', 'new', scope=C)
    a.set('pending', 'new', scope=C)
    a.flush()
    b.sync()
    assert (b.peek('memory'), b.peek('pending')) == ('new', 'new')
    spread(b, a)
    assert (b.get('pending'), a.get('pending')) == ('new', 'new')


def test_an_older_value_replaces_nothing(caches):
    a, b = caches.cache('a'), caches.cache('b')
    a.set('k', 'old', scope=C)
    caches.now += 1
    b.set('k', 'new', scope=C)
    spread(a, b)
    spread(a, b)
    assert (a.get('k'), b.get('k')) == ('new', 'new')


def test_both_choose_the_same_of_two_values_of_one_millisecond(caches):
    a, b, c = (caches.cache(name) for name in 'abc')
    a.set('k', 'of a', scope=C)
    b.set('k', 'of b', scope=C)
    spread(c, b, a)
    assert {cache.get('k') for cache in (a, b, c)} == {'of b'}


def test_a_worker_that_joins_another_cluster_brings_nothing_of_the_old_one(caches):
    a, red = caches.cache('a'), caches.cache('r', cluster='red')
    for scope in Scope:
        a.set(scope.value, 'blue', scope=scope)
    red.set('of red', 1, scope=C)
    spread(a, red)  # what is of red only was passed over
    a.stop()
    a = caches.cache('a', cluster='red')
    spread(a, red)
    assert [a.get(key) for key in ('local', 'cluster', 'global')] == ['blue', None, 'blue']
    assert [red.get(key) for key in ('local', 'cluster', 'global')] == [None, None, 'blue']
    assert a.get('of red') == 1


def test_a_value_that_was_seen_is_older_whatever_the_clock_says(caches):
    a, b = caches.cache('a'), caches.cache('b')
    caches.skew['a'] = 7200  # its clock is two hours ahead
    a.set('k', 'first', scope=C)
    spread(a, b)
    assert b.get('k') == 'first'
    b.set('k', 'second', scope=C)
    spread(b, a)
    assert (a.get('k'), b.get('k')) == ('second', 'second')


def test_a_clock_that_jumps_back_loses_nothing_over_a_restart(caches):
    a, b = caches.cache('a'), caches.cache('b')
    a.set('k', 'first', scope=C)
    spread(a, b)
    caches.skew['a'] = -7200
    a.stop()
    a = caches.cache('a')
    a.set('k', 'second', scope=C)
    spread(a, b)
    assert b.get('k') == 'second'


def test_stamps_go_on_from_what_was_removed_too(caches):
    caches.skew['a'] = 7200
    a = caches.cache('a')
    a.set('k', 1)
    before = a.look('k').stamp
    a.delete('k')
    a.flush()
    a.clean()
    a.stop()
    caches.skew['a'] = 0
    a = caches.cache('a')
    a.set('k', 2)
    assert a.look('k').stamp > before


def test_changes_that_a_power_loss_took_back_hide_no_later_ones(caches):
    a, b = caches.cache('a'), caches.cache('b')
    a.set('k', 1, scope=C)
    a.stop()
    path = caches.folder / f'a{SUFFIX}'
    older = path.read_bytes()
    caches.now += 1
    a = caches.cache('a')
    for number in range(5):
        a.set(f'lost {number}', 1, scope=C)
    spread(a, b)
    a.stop()
    path.write_bytes(older)
    caches.now += 1
    a = caches.cache('a')
    a.set('new', 1, scope=C)
    spread(a, b)
    assert b.get('new') == 1
    a.sync()
    assert a.get('lost 4') == 1  # b has it still


def test_more_than_a_batch_is_read_in_one_cycle(caches):
    a, b = caches.cache('a'), caches.cache('b', sync={'batch_size': 7})
    for number in range(50):
        a.set(f'k{number}', number, scope=C)
    spread(a, b)
    assert [b.get(f'k{n}') for n in range(50)] == list(range(50))
    [peer] = b.state.peers
    assert (peer.read, peer.taken, peer.problem) == (50, 50, '')
    spread(a, b)
    assert b.state.peers[0].read == 50  # nothing twice


def test_what_was_read_is_known_after_a_restart(caches):
    a, b = caches.cache('a'), caches.cache('b')
    a.set('k', 1, scope=C)
    spread(a, b)
    b.stop()
    b = caches.cache('b')
    b.sync()
    assert b.state.peers[0].read == 0


def test_a_file_that_was_made_anew_is_read_from_its_beginning(caches):
    a, b = caches.cache('a'), caches.cache('b')
    for number in range(5):
        a.set(f'k{number}', number, scope=C)
    spread(a, b)
    a.stop()
    for path in caches.folder.glob(f'a{SUFFIX}*'):
        path.unlink()
    a = caches.cache('a')
    a.set('again', 1, scope=C)
    spread(a, b)
    assert b.get('again') == 1


def test_an_expired_value_hides_what_it_replaced(caches):
    a, b, c = (caches.cache(name) for name in 'abc')
    a.set('k', 'old', scope=C)
    spread(a, b)
    caches.now += 1
    b.set('k', 'short', ttl=10, scope=C)
    b.flush()
    caches.now += 60
    b.clean()
    spread(b, c, a)
    assert [cache.get('k') for cache in (a, b, c)] == [None, None, None]
    spread(a, b, c)
    assert [cache.get('k') for cache in (a, b, c)] == [None, None, None]


def test_deletions_are_forgotten_in_the_end_by_all(caches):
    a, b = caches.cache('a', tombstone_seconds=100), caches.cache('b', tombstone_seconds=100)
    a.set('k', 1, scope=C)
    a.set('short', 1, ttl=1, scope=C)
    spread(a, b)
    a.delete('k')
    spread(a, b)
    for _ in range(5):
        caches.now += 30
        a.clean()
        b.clean()
        spread(a, b)
    for cache in (a, b):
        cache.stop()
    for path in caches.folder.glob('*.db'):
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute('SELECT key FROM cache_entries').fetchall() == []


def test_a_deletion_that_all_may_forget_is_not_handed_on_for_ever(caches):
    a = caches.cache('a', tombstone_seconds=100)
    a.set('k', 1, scope=C)
    a.delete('k')
    a.flush()
    for _ in range(2):
        caches.now += 45
        a.clean()
    late = caches.cache('late', tombstone_seconds=100)
    late.sync()
    assert late.state.peers[0].taken == 1
    caches.now += 20
    a.clean()
    a.sync()
    assert (a.state.peers[0].read, a.state.peers[0].taken) == (1, 0)


def test_a_worker_that_was_away_for_too_long_brings_nothing_back(caches):
    a, b = caches.cache('a'), caches.cache('b')
    a.set('k', 1, scope=C)
    a.set('mine', 1)
    spread(a, b)
    a.stop()
    b.delete('k')
    b.flush()
    caches.now += 86_400 + 1
    b.clean()
    c = caches.cache('c')
    c.sync()
    assert 'k' not in c  # a's file is too old to be trusted
    assert [p.stale for p in c.state.peers] == [True, False]
    a = caches.cache('a')
    spread(a, b, c)
    assert [cache.get('k') for cache in (a, b, c)] == [None, None, None]
    assert a.get('mine') == 1


def test_a_worker_that_stood_still_for_too_long_brings_nothing_back_either(caches):
    a, b = caches.cache('a'), caches.cache('b')
    a.set('k', 1, scope=C)
    a.set('mine', 1)
    spread(a, b)
    b.delete('k')
    b.flush()
    for _ in range(4):  # a's machine sleeps
        caches.now += 86_400 / 3
        b.clean()
    a.clean()
    assert a.peek('k') is None
    c = caches.cache('c')
    spread(a, b, c)
    assert [cache.get('k') for cache in (a, b, c)] == [None, None, None]
    assert a.get('mine') == 1
    assert a.state.problem == ''


def test_peers_are_read_by_themselves(caches):
    a = caches.cache('a', flush_seconds=0.02)
    b = caches.cache('b', sync={'enabled': True, 'interval_seconds': 0.02})
    a.set('k', 1, scope=C)
    until(lambda: b.get('k') == 1)


def test_a_network_folder_has_no_write_ahead_log(caches):
    a = caches.cache('a', network_folder=True)
    b = caches.cache('b', network_folder=True)
    a.set('k', 1, scope=C)
    spread(a, b)
    assert b.get('k') == 1
    a.stop()
    b.stop()
    assert sorted(p.name for p in caches.folder.iterdir()) == [f'a{SUFFIX}', f'b{SUFFIX}']


@pytest.mark.parametrize('network_folder', [False, True])
def test_nothing_is_left_beside_a_file_that_is_only_read(caches, network_folder):
    a = caches.cache('a', network_folder=network_folder)
    a.set('k', 1, scope=C)
    a.stop()
    b = caches.cache('b', network_folder=network_folder)
    b.sync()
    assert b.get('k') == 1
    assert not list(caches.folder.glob(f'a{SUFFIX}-*'))


def test_time_of_a_change_is_readable_in_the_file(caches):
    a = caches.cache('a')
    a.set('k', 1)
    a.stop()
    connection = sqlite3.connect(caches.folder / f'a{SUFFIX}')
    [(stamp,)] = connection.execute('SELECT stamp FROM cache_entries')
    connection.close()
    assert (stamp >> 20) / 1000 == NOW
