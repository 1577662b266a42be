"""Which partitions may be committed, and for how long."""

from __future__ import annotations

from drakkar.models.message import TopicPartition
from drakkar.source.kafka.ownership import Ownership

A, B = TopicPartition('t', 0), TopicPartition('t', 1)


def owner() -> Ownership:
    ownership = Ownership()
    ownership.gain([A, B])
    return ownership


def test_revoked_partitions_count_until_they_are_forgotten() -> None:
    ownership = owner()
    ownership.revoke([A], 10.0)
    assert A in ownership
    assert ownership.owned == {B}
    assert list(ownership.draining) == [A]
    ownership.forget([A])
    assert A not in ownership
    assert ownership.all() == [B]


def test_what_is_not_owned_can_not_be_revoked() -> None:
    ownership = Ownership()
    ownership.revoke([A], 10.0)
    assert A not in ownership


def test_a_drain_is_overdue_at_its_deadline() -> None:
    ownership = owner()
    ownership.revoke([A], 10.0)
    assert ownership.overdue(9.9) == []
    assert ownership.overdue(10.0) == [A]


def test_gaining_again_ends_a_drain_and_forgets_what_was_known() -> None:
    ownership = owner()
    ownership.stored({A: 5})
    ownership.revoke([A], 10.0)
    ownership.gain([A])
    assert not ownership.draining
    assert A not in ownership.committed


def test_a_start_is_no_newer_than_a_commit() -> None:
    ownership = owner()
    ownership.starts({A: 3})
    ownership.stored({A: 5})
    ownership.starts({A: 3})
    assert ownership.committed == {A: 5}


def test_commits_of_partitions_lost_meanwhile_are_not_noted() -> None:
    ownership = owner()
    ownership.forget([A])
    ownership.stored({A: 5, B: 6})
    assert ownership.committed == {B: 6}


def test_high_watermarks_never_fall() -> None:
    ownership = owner()
    assert ownership.reaches(A, None) is None
    assert ownership.reaches(A, 7) == 7
    assert ownership.reaches(A, 4) == 7
    assert ownership.reaches(A, None) == 7
