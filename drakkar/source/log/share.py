"""Which partitions a member gives up and takes: pure, the same for every member.

Partitions are divided evenly and stay where they are when they can. Who holds
most already gets the odd ones, so a group at rest never moves anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Lease(NamedTuple):
    """Who owns a partition, and whether they are asked to give it up."""

    owner: str | None
    revoking: bool


class Plan(NamedTuple):
    """Partitions that a member should give up, and free ones that it may take now."""

    give: list[int]
    take: list[int]


def plan(me: str, members: Sequence[str], leases: Mapping[int, Lease]) -> Plan:
    """Plan for `me`, one of the live `members` (in the order they joined)."""
    kept: dict[str, list[int]] = {member: [] for member in members}
    free = []
    for partition, lease in sorted(leases.items()):
        if lease.owner is None:
            free.append(partition)
        elif not lease.revoking and lease.owner in kept:
            kept[lease.owner].append(partition)
    base, odd = divmod(len(leases), len(members))
    # sorted() is stable: of those that hold the same, the oldest member comes first.
    ranking = sorted(members, key=lambda member: -len(kept[member]))
    target = base + (ranking.index(me) < odd)
    mine = kept[me]
    return Plan(give=mine[target:], take=free[: max(0, target - len(mine))])
