"""Workers that share a log: division, hand-over, leases and fencing."""

from __future__ import annotations

import dataclasses

import pytest

from drakkar.errors import PartitionLostError
from drakkar.models.message import TopicPartition
from drakkar.source.log.clock import Clock, machine_clock
from drakkar.source.log.group import Membership, join, renew
from drakkar.source.log.presence import Presence
from drakkar.source.log.store import LogStore

pytestmark = pytest.mark.slow  # real processes, or real seconds

ALL = set(range(8))


def test_two_workers_split_and_what_stays_is_not_interrupted(worker, until):
    first = worker('first').start()
    until(lambda: first.owned == ALL)
    second = worker('second').start()
    until(lambda: len(first.owned) == len(second.owned) == 4)
    assert first.owned | second.owned == ALL
    assert [kind for kind, _ in first.heard.told] == ['assigned', 'revoked']
    assert [kind for kind, _ in second.heard.told] == ['assigned']


def test_revoked_partitions_wait_for_the_release(worker, until):
    first = worker('first', release=False).start()
    until(lambda: first.owned == ALL)
    second = worker('second').start()
    until(lambda: first.heard.all('revoked'))
    revoked = first.heard.all('revoked')
    assert second.owned == set()
    first.source.release([TopicPartition('messages', p) for p in revoked])
    until(lambda: second.owned == revoked)


def test_closing_hands_over_at_once_and_from_the_committed_offsets(worker, producer, until, path):
    for partition in range(8):
        for _ in range(3):
            producer.append(b'x', partition=partition)
    first = worker('first', lease_seconds=600).start()
    until(lambda: len(first.got) == 24)
    first.source.commit({TopicPartition('messages', p): 2 for p in range(8)})
    second = worker('second', lease_seconds=600)
    first.stop()
    assert list((path / 'messages.members').iterdir()) == []
    second.start()
    until(lambda: len(second.got) == 8)
    assert {m.offset for m in second.got} == {2}


def test_a_dead_workers_partitions_are_taken_when_its_lease_ends(worker, until):
    first = worker('first', lease_seconds=0.3).start()
    second = worker('second', lease_seconds=0.3).start()
    until(lambda: len(first.owned) == len(second.owned) == 4)
    first.abandon()
    until(lambda: second.owned == ALL)


def test_a_dead_process_is_found_out_before_its_lease_ends(worker, until, path):
    first = worker('first', lease_seconds=600).start()
    until(lambda: first.owned == ALL)
    second = worker('second', lease_seconds=600).start()
    until(lambda: len(first.owned) == len(second.owned) == 4)
    first.abandon()
    first.source._membership.close()  # as the kernel does
    until(lambda: second.owned == ALL)
    assert len(list((path / 'messages.members').iterdir())) == 1


def test_a_zombie_neither_commits_nor_reads_and_joins_again(worker, producer, until, path):
    first = worker('first', lease_seconds=0.3).start()
    until(lambda: first.owned == ALL)
    # Stopped: neither its poll nor its lease goes on.
    first.greenlet.kill()
    first.source._greenlets.kill()
    second = worker('second', lease_seconds=0.3).start()
    until(lambda: second.owned == ALL)
    producer.append(b'x', partition=0)
    until(lambda: second.got)
    tp = TopicPartition('messages', 0)
    with pytest.raises(PartitionLostError):
        first.source.commit({tp: 5})
    second.source.commit({tp: 1})
    assert first.source.poll(10, 0.05) == []
    assert first.heard.all('lost') == ALL
    assert second.source.positions()[tp] == (1, 1)


def test_a_lease_that_ran_out_unnoticed_goes_on(worker, producer, until):
    first = worker('first', lease_seconds=0.2).start()
    until(lambda: first.owned == ALL)
    first.source._greenlets.kill()
    until(lambda: not first.source._membership.is_current())
    producer.append(b'x')
    until(lambda: first.got)
    assert first.heard.all('lost') == set()


def test_the_lease_is_kept_while_nobody_polls(worker, until):
    # Renewed three times in its length, so a busy moment may cost it a second.
    first = worker('first', lease_seconds=1.5).start()
    until(lambda: first.owned == ALL)
    first.greenlet.kill()
    second = worker('second', lease_seconds=1.5).start()
    renewals = []
    membership = first.source._membership
    follow = membership._follow
    membership._follow = lambda owned: (renewals.append(set(owned)), follow(owned))
    until(lambda: len(renewals) > 4)
    assert renewals[-1] == ALL
    assert second.owned == set()


@pytest.mark.parametrize(('reset', 'seen'), [('earliest', [b'old', b'new']), ('latest', [b'new'])])
def test_where_a_new_group_begins(worker, producer, until, reset, seen):
    producer.append(b'old', partition=0)
    first = worker(auto_offset_reset=reset).start()
    until(lambda: first.owned)
    first.stop()  # before anything was committed
    producer.append(b'new', partition=0)
    second = worker(auto_offset_reset=reset).start()
    until(lambda: len(second.got) == len(seen))
    assert [m.value for m in second.got] == seen


def test_groups_do_not_disturb_each_other(worker, producer, until):
    producer.append(b'x')
    one = worker('a', group='one').start()
    two = worker('b', group='two').start()
    until(lambda: one.got and two.got)
    assert one.owned == two.owned == ALL


def test_leases_of_before_a_reboot_are_void(path):
    store = LogStore(path)
    store.open()
    old = Membership('g', 'old', 'w', 10)
    new = Membership('g', 'new', 'w', 10)
    now, presence = machine_clock(), Presence(path / 'members')
    for written, read in (
        (dataclasses.replace(now, boot='earlier'), now),
        (Clock('', lambda: 1e6), Clock('', lambda: 5.0)),
    ):
        store.run(join, old, written, 'earliest')
        assert set(store.run(renew, old, written, presence)) == ALL
        store.run(join, new, read, 'earliest')
        assert set(store.run(renew, new, read, presence)) == ALL
        assert store.run(renew, old, read, presence) is None
        store.run(lambda c: c.execute('DELETE FROM members'))
    store.close()


def test_a_renewal_takes_its_time_while_it_holds_the_lock(path):
    store = LogStore(path)
    store.open()
    me = Membership('g', 'me', 'w', 10)
    locked = []

    def renew_noting(connection):
        def now():
            locked.append(connection.in_transaction)
            return 5.0

        join(connection, me, Clock('', now), 'earliest')
        return renew(connection, me, Clock('', now), Presence(path))

    assert set(store.run(renew_noting)) == ALL
    assert locked == [True, True]
    store.close()
