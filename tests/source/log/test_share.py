"""The division of partitions, against simple claims about it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drakkar.source.log.share import Lease, plan

FREE = Lease(None, False)


def settle(members, leases):
    """Let members plan in turn, releasing at once what they give up; return moves and leases."""
    leases = dict(leases)
    moves = 0
    for _ in range(20):
        before = dict(leases)
        for me in members:
            give, take = plan(me, members, leases)
            moves += len(take)
            leases.update(dict.fromkeys(give, FREE))
            leases.update(dict.fromkeys(take, Lease(me, False)))
        if leases == before:
            return moves, leases
    raise AssertionError('the group never came to rest')


def held(members, leases):
    return {m: [p for p, lease in leases.items() if lease.owner == m] for m in members}


groups = st.integers(1, 6).map(lambda n: [f'm{i}' for i in range(n)])


@given(groups, st.integers(1, 20), st.data())
def test_any_state_settles_evenly_and_moves_no_more_than_needed(members, partitions, data):
    owners = st.sampled_from([None, *members])
    leases = {p: Lease(data.draw(owners), False) for p in range(partitions)}
    before = held(members, leases)
    moves, after = settle(members, leases)
    counts = sorted(len(mine) for mine in held(members, after).values())
    assert sum(counts) == partitions
    assert counts[-1] - counts[0] <= 1
    # What had to move: the free ones and each member's excess over its final share.
    free = sum(lease.owner is None for lease in leases.values())
    excess = sum(max(0, len(before[m]) - len(held(members, after)[m])) for m in members)
    assert moves == free + excess


@given(groups, st.integers(1, 20))
def test_members_take_apart_what_is_free_at_the_same_time(members, partitions):
    leases = dict.fromkeys(range(partitions), FREE)
    for me in members:
        give, take = plan(me, members, leases)
        assert give == []
        assert all(leases[p].owner is None for p in take)
        leases.update(dict.fromkeys(take, Lease(me, False)))
    assert None not in {lease.owner for lease in leases.values()}


def test_what_is_being_revoked_counts_for_nobody():
    leases = {0: Lease('a', False), 1: Lease('a', True), 2: Lease('b', False), 3: FREE}
    assert plan('a', ['a', 'b'], leases) == ([], [3])


def test_more_members_than_partitions():
    assert settle(['a', 'b', 'c'], {0: Lease('b', False)})[0] == 0
