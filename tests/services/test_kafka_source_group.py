"""Rebalances on a real broker: what is handed on, when, and what stays untouched meanwhile."""

from __future__ import annotations

import time

import gevent
import pytest

from drakkar.contracts.source import ProducerRecord
from drakkar.errors import PartitionLostError, SourceError
from drakkar.kafka_client import client
from drakkar.models.message import TopicPartition
from tests.services.kafka_lab import KafkaTown, Member
from tests.services.waiting import wait_until

pytestmark = pytest.mark.usefixtures('apache_kafka')


def joined(town: KafkaTown, *members: Member) -> None:
    """Wait until these members have all partitions between them, and each has some."""
    everything = set(range(town.partitions))
    wait_until(
        lambda: (
            all(m.owned for m in members)
            and sorted(p for m in members for p in m.owned) == sorted(everything)
        ),
        15,
    )


def moved(first: Member) -> set[int]:
    return {p for _, what, found in first.events if what == 'revoked' for p in found}


def test_a_second_member_gets_half_and_the_rest_is_never_taken_away(town: KafkaTown) -> None:
    first = town.member()
    joined(town, first)
    second = town.member()
    joined(town, first, second)
    assert len(first.owned) == len(second.owned) == 2
    assert moved(first) == second.owned
    assert first.when('lost') == second.when('lost') == []
    assert first.errors == second.errors == []


def test_a_partition_is_handed_on_only_when_its_drain_has_ended(town: KafkaTown) -> None:
    first = town.member(drain=1.0)
    joined(town, first)
    for partition in range(4):
        town.append(b'before', partition)
    wait_until(lambda: len(first.messages) == 4)
    second = town.member()
    joined(town, first, second)
    [released_at], [*_, assigned_at] = first.when('released'), second.when('assigned')
    assert assigned_at > released_at
    for partition in second.owned:
        assert town.committed(partition) == 1
        town.append(b'after', partition)
    wait_until(lambda: len(second.messages) == 2)
    # What the first had in work was committed before the second began to read.
    assert second.values() == [b'after', b'after']
    assert first.errors == []


def test_partitions_that_stay_go_on_during_a_drain_of_others(town: KafkaTown) -> None:
    first = town.member(drain=None)
    joined(town, first)
    town.member()
    wait_until(lambda: first.when('revoked'))
    [stays, *_] = first.owned
    waits = []
    for number in range(5):
        sent_at = time.monotonic()
        town.append(b'%d' % number, stays)
        wait_until(lambda: first.values()[-1:] == [b'%d' % number])  # noqa: B023
        waits.append(first.times[-1] - sent_at)
    assert sorted(waits)[2] < 0.5
    first.source.commit(first.read())
    assert town.committed(stays) == 5


def test_heartbeats_go_on_during_a_drain_longer_than_the_session_timeout(town: KafkaTown) -> None:
    first = town.member(drain=3.0, session_timeout_ms=2000)
    joined(town, first)
    second = town.member()
    joined(town, first, second)
    assert not first.when('lost')
    [released_at], [*_, assigned_at] = first.when('released'), second.when('assigned')
    assert assigned_at > released_at


def test_a_rebalance_that_others_force_waits_for_the_drain_too(town: KafkaTown) -> None:
    first = town.member(drain=1.2)
    joined(town, first)
    second = town.member()
    wait_until(lambda: first.when('revoked'))
    third = town.member()
    joined(town, first, second, third)
    assert not first.when('lost')
    handed = [at for m in (second, third) for at, what, f in m.events if what == 'assigned' and f]
    assert min(handed) > first.when('released')[0]


def test_a_drain_that_never_ends_does_not_hold_the_group_for_ever(town: KafkaTown) -> None:
    first = town.member(drain=None, max_poll_interval_ms=5000)
    joined(town, first)
    second = town.member()
    joined(town, first, second)
    assert {p for _, what, f in first.events if what == 'lost' for p in f} == second.owned
    waited = second.when('assigned')[-1] - first.when('revoked')[0]
    assert 2.5 <= waited < 5  # of half the interval, not of the whole
    [gone, *_] = second.owned
    with pytest.raises(PartitionLostError):
        first.source.commit({TopicPartition(town.topic, gone): 1})


def test_an_evicted_member_can_not_commit_and_comes_back(town: KafkaTown) -> None:
    member = town.member()
    joined(town, member)
    town.append(b'x')
    wait_until(lambda: member.messages)
    with member.resting():  # else it may be back before it commits
        town.evict()
        with pytest.raises(PartitionLostError):
            member.source.commit(member.read())
    wait_until(lambda: member.when('lost'))
    joined(town, member)
    wait_until(lambda: len(member.messages) == 2)  # read again: nothing was committed
    member.source.commit(member.read())
    assert town.committed() == 1


def test_an_eviction_is_noticed_without_a_commit(town: KafkaTown) -> None:
    member = town.member()
    joined(town, member)
    town.evict()
    evicted_at = time.monotonic()
    wait_until(lambda: member.when('lost'))
    assert member.when('lost')[0] - evicted_at < 3  # the session is twice as long
    joined(town, member)


def test_partitions_gained_while_paused_are_paused(town: KafkaTown) -> None:
    for partition in range(4):
        town.append(b'x', partition)
    first = town.member()
    wait_until(lambda: len(first.messages) == 4)
    second = town.member()
    joined(town, first, second)
    second.source.pause()
    first.stop()
    wait_until(lambda: len(second.owned) == 4)
    for partition in range(4):
        town.append(b'y', partition)
    highs = lambda: {high for _, high in second.source.positions().values()}  # noqa: E731
    wait_until(lambda: highs() == {2})  # lag is known though nothing is fetched
    count = len(second.messages)
    second.source.resume()
    wait_until(lambda: second.values().count(b'y') == 4)
    assert b'y' not in second.values()[:count]


def test_commit_does_not_wait_for_a_poll_that_waits(town: KafkaTown) -> None:
    member = town.member()
    joined(town, member)
    town.append(b'x')
    wait_until(lambda: member.messages)
    waits = []
    for _ in range(20):
        gevent.sleep(0.01)
        started = time.monotonic()
        member.source.commit(member.read())
        waits.append(time.monotonic() - started)
    # Those that waited for a poll would all wait: a slow moment is another matter.
    assert sorted(waits)[5] < 0.05


def test_with_latest_a_successor_loses_nothing_that_came_before_the_first_commit(
    town: KafkaTown,
) -> None:
    town.append(b'old')
    first = town.member(drain=None, auto_offset_reset='latest')
    joined(town, first)
    wait_until(lambda: town.committed() == 1)
    town.append(b'new')
    wait_until(lambda: first.values() == [b'new'])
    first.stop()
    second = town.member(auto_offset_reset='latest')
    wait_until(lambda: second.values() == [b'new'])


def test_a_closed_source_leaves_the_group_at_once(town: KafkaTown) -> None:
    first = town.member(session_timeout_ms=30000)
    joined(town, first)
    second = town.member()
    joined(town, first, second)
    first.stop()
    wait_until(lambda: len(second.owned) == 4, 5)  # less than its session
    with pytest.raises((SourceError, PartitionLostError)):
        first.source.commit({TopicPartition(town.topic, 0): 1})


@pytest.mark.timeout(60)
def test_a_pattern_reads_topics_that_appear_later_but_no_dead_letters(
    town: KafkaTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, '_METADATA_MAX_AGE_MS', 1000)  # how often topics are looked for
    member = town.member(source_topic=None, source_pattern=f'{town.topic}.*')
    joined(town, member)
    for name in (f'{town.topic}_dlq', f'{town.topic}_late'):
        town.make_topic(name, 1)
        town.make_producer(name).append_many([ProducerRecord(name.encode())])
    wait_until(lambda: member.messages, 40)
    assert member.values() == [f'{town.topic}_late'.encode()]


def test_several_topics(town: KafkaTown) -> None:
    other = f'{town.topic}_b'
    town.make_topic(other, 1)
    town.make_producer(other).append_many([ProducerRecord(b'b')])
    town.append(b'a')
    member = town.member(source_topic=f'{town.topic}, {other}')
    wait_until(lambda: sorted(member.values()) == [b'a', b'b'])
    member.source.commit(member.read())
    assert member.source.positions()[TopicPartition(other, 0)] == (1, 1)


def test_a_paused_member_with_a_pattern_takes_part_in_rebalances(town: KafkaTown) -> None:
    pattern = {'source_topic': None, 'source_pattern': f'{town.topic}.*'}
    first = town.member(**pattern)
    joined(town, first)
    first.source.pause()
    second = town.member(**pattern)
    joined(town, first, second)
    assert not first.when('lost')
