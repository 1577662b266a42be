"""Membership, leases and commits of a consumer group, each in one transaction.

A lease is the owner and epoch of a `group_partitions` row while the owner's
`members` row is alive. Whoever finds a member expired or dead removes it, which
frees its partitions; its commits then match no row any more.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from drakkar.source.log.clock import Clock
from drakkar.source.log.presence import Presence
from drakkar.source.log.share import Lease, plan
from drakkar.sqlite import transaction


@dataclass(frozen=True, slots=True)
class Membership:
    """Who a worker is in its group. `member` is new at every join, so it is never reused."""

    group: str
    member: str
    worker: str
    lease_seconds: float


@dataclass(frozen=True, slots=True)
class Owned:
    """A partition as its owner finds it. `committed` is the next offset to consume."""

    epoch: int
    committed: int
    revoking: bool


def join(
    connection: sqlite3.Connection,
    me: Membership,
    clock: Clock,
    reset: Literal['earliest', 'latest'],
) -> None:
    """Add a member. A new group begins where `reset` says, now and for good.

    The start is stored at once, so that a worker that dies before its first
    commit does not skip what came in between.
    """
    start = 'start_offset' if reset == 'earliest' else 'next_offset'
    with transaction(connection):
        connection.execute(
            'INSERT OR IGNORE INTO groups (name, generation, created_at) VALUES (?, 0, ?)',
            (me.group, time.time()),
        )
        connection.execute(
            'INSERT OR IGNORE INTO group_partitions'
            ' (group_name, partition, committed, expired, owner, epoch, revoking)'
            f' SELECT ?, partition, {start}, 0, NULL, 0, 0 FROM partitions',
            (me.group,),
        )
        connection.execute(
            'INSERT INTO members (member, group_name, worker, boot, expires_at, lease_seconds)'
            ' VALUES (?, ?, ?, ?, ?, ?)',
            (
                me.member,
                me.group,
                me.worker,
                clock.boot,
                clock.now() + me.lease_seconds,
                me.lease_seconds,
            ),
        )
        _bump(connection, me.group)


def renew(
    connection: sqlite3.Connection, me: Membership, clock: Clock, presence: Presence
) -> dict[int, Owned] | None:
    """Renew the lease, remove expired and dead members, give up and take partitions.

    Returns the partitions that `me` owns now, or None if it was expelled.
    """
    with transaction(connection):
        # Inside: while the lock was waited for, others may have written later times.
        now = clock.now()
        alive = connection.execute(
            'UPDATE members SET expires_at = ?, boot = ? WHERE member = ?',
            (now + me.lease_seconds, clock.boot, me.member),
        ).rowcount
        if not alive:
            return None
        expelled = _expel(connection, me, clock.boot, now, presence)
        moved = _rebalance(connection, me)
        if expelled or moved:
            _bump(connection, me.group)
        rows = connection.execute(
            'SELECT partition, epoch, committed, revoking FROM group_partitions'
            ' WHERE group_name = ? AND owner = ?',
            (me.group, me.member),
        ).fetchall()
    return {partition: Owned(epoch, at, bool(revoking)) for partition, epoch, at, revoking in rows}


def _expel(
    connection: sqlite3.Connection, me: Membership, boot: str, now: float, presence: Presence
) -> bool:
    # A time further ahead than leases are long was written before a reboot.
    others = connection.execute(
        'SELECT member, boot != ? OR expires_at < ? OR expires_at > ? + 2 * lease_seconds'
        ' FROM members WHERE group_name = ? AND member != ?',
        (boot, now, now, me.group, me.member),
    ).fetchall()
    gone = [member for member, expired in others if expired or presence.is_dead(member)]
    connection.executemany('DELETE FROM members WHERE member = ?', [(m,) for m in gone])
    freed = connection.execute(
        'UPDATE group_partitions SET owner = NULL, revoking = 0'
        ' WHERE group_name = ? AND owner IS NOT NULL'
        ' AND owner NOT IN (SELECT member FROM members WHERE group_name = ?)',
        (me.group, me.group),
    ).rowcount
    for member in gone:
        presence.forget(member)
    return bool(gone or freed)


def _rebalance(connection: sqlite3.Connection, me: Membership) -> bool:
    members = connection.execute(
        'SELECT member FROM members WHERE group_name = ? ORDER BY seq', (me.group,)
    ).fetchall()
    rows = connection.execute(
        'SELECT partition, owner, revoking FROM group_partitions WHERE group_name = ?', (me.group,)
    ).fetchall()
    leases = {partition: Lease(owner, bool(revoking)) for partition, owner, revoking in rows}
    give, take = plan(me.member, [member for (member,) in members], leases)
    connection.executemany(
        'UPDATE group_partitions SET revoking = 1 WHERE group_name = ? AND partition = ?',
        [(me.group, partition) for partition in give],
    )
    connection.executemany(
        'UPDATE group_partitions SET owner = ?, epoch = epoch + 1, revoking = 0'
        ' WHERE group_name = ? AND partition = ?',
        [(me.member, me.group, partition) for partition in take],
    )
    return bool(give or take)


def commit(
    connection: sqlite3.Connection, me: Membership, offsets: Mapping[int, tuple[int, int]]
) -> list[int]:
    """Store next offsets, given as (epoch, offset); return the partitions that `me` has lost."""
    lost = []
    with transaction(connection):
        for partition, (epoch, offset) in offsets.items():
            stored = connection.execute(
                'UPDATE group_partitions SET committed = ?'
                ' WHERE group_name = ? AND partition = ? AND owner = ? AND epoch = ?',
                (offset, me.group, partition, me.member, epoch),
            ).rowcount
            if not stored:
                lost.append(partition)
    return lost


def release(connection: sqlite3.Connection, me: Membership, partitions: Iterable[int]) -> None:
    """Free partitions for the others. What is not owned any more is left alone."""
    with transaction(connection):
        connection.executemany(
            'UPDATE group_partitions SET owner = NULL, revoking = 0'
            ' WHERE group_name = ? AND partition = ? AND owner = ?',
            [(me.group, partition, me.member) for partition in partitions],
        )
        _bump(connection, me.group)


def leave(connection: sqlite3.Connection, me: Membership) -> None:
    """Remove a member and free all its partitions at once."""
    with transaction(connection):
        connection.execute('DELETE FROM members WHERE member = ?', (me.member,))
        connection.execute(
            'UPDATE group_partitions SET owner = NULL, revoking = 0'
            ' WHERE group_name = ? AND owner = ?',
            (me.group, me.member),
        )
        _bump(connection, me.group)


def count_expired(connection: sqlite3.Connection, group: str, skipped: Mapping[int, int]) -> None:
    """Add to the count of messages that were removed before the group had read them."""
    with transaction(connection):
        connection.executemany(
            'UPDATE group_partitions SET expired = expired + ?'
            ' WHERE group_name = ? AND partition = ?',
            [(number, group, partition) for partition, number in skipped.items()],
        )


def _bump(connection: sqlite3.Connection, group: str) -> None:
    connection.execute('UPDATE groups SET generation = generation + 1 WHERE name = ?', (group,))
