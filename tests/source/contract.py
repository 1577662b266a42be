"""What every source must do; subclass it and give it a `lab` fixture."""

from __future__ import annotations

import abc
from typing import Any

import gevent
import pytest

from drakkar.contracts.source import Source, SourceEvents
from drakkar.errors import PartitionLostError, SourceError
from drakkar.models.message import SourceMessage, TopicPartition

PARTITIONS = 4


class Heard:
    """Keeps what a source told, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, list[TopicPartition]]] = []
        self.events = SourceEvents(
            assigned=lambda tps: self.told.append(('assigned', list(tps))),
            revoked=lambda tps: self.told.append(('revoked', list(tps))),
            lost=lambda tps: self.told.append(('lost', list(tps))),
        )

    def all(self, what: str) -> set[int]:
        """Partitions of which `what` was told."""
        return {tp.partition for kind, tps in self.told if kind == what for tp in tps}


class Lab(abc.ABC):
    """A source with PARTITIONS partitions, one member, and someone who can disturb it."""

    topic = 'messages'

    def __init__(self, source: Source) -> None:
        self.source = source
        self.heard = Heard()

    def tp(self, partition: int) -> TopicPartition:
        return TopicPartition(self.topic, partition)

    def started(self) -> Source:
        self.source.start(self.heard.events)
        return self.source

    def drain(self, wanted: int, **poll: Any) -> list[SourceMessage]:
        """Poll until `wanted` messages have come."""
        got: list[SourceMessage] = []
        while len(got) < wanted:
            got += self.source.poll(poll.get('max_messages', 100), 0.05)
        return got

    def some(self, limit: int) -> list[SourceMessage]:
        """Poll for up to `limit` messages until there are some: to join may take a while."""
        got: list[SourceMessage] = []
        while not got:
            got = self.source.poll(limit, 1)
        return got

    def until(self, what: str, partitions: set[int]) -> list[SourceMessage]:
        """Poll until `what` was told of these partitions."""
        got: list[SourceMessage] = []
        while not partitions <= self.heard.all(what):
            got += self.source.poll(100, 0.05)
        return got

    @abc.abstractmethod
    def append(self, value: bytes, partition: int = 0, key: bytes | None = None) -> None: ...

    @abc.abstractmethod
    def committed(self, partition: int) -> int: ...

    @abc.abstractmethod
    def revoke(self, partition: int) -> None: ...

    @abc.abstractmethod
    def lose(self, partition: int) -> None: ...

    @abc.abstractmethod
    def break_next(self, call: str) -> None: ...


class SourceContract:
    """The tests. `lab` must give a Lab that has not started its source."""

    @pytest.fixture
    def lab(self) -> Any:
        raise NotImplementedError

    def test_assignment_is_told_in_poll_only(self, lab: Lab) -> None:
        source = lab.started()
        gevent.sleep(0)
        assert lab.heard.told == []
        source.poll(10, 0)
        assert lab.heard.all('assigned') == set(range(PARTITIONS))
        assert set(source.positions()) == {lab.tp(p) for p in range(PARTITIONS)}

    def test_messages_come_whole_and_in_order_per_partition(self, lab: Lab) -> None:
        for number in range(40):
            lab.append(b'%d' % number, number % PARTITIONS, b'k%d' % number)
        lab.started()
        got = lab.drain(40, max_messages=7)
        for partition in range(PARTITIONS):
            mine = [m for m in got if m.partition == partition]
            assert [m.offset for m in mine] == list(range(10))
            assert [m.value for m in mine] == [b'%d' % n for n in range(partition, 40, PARTITIONS)]
            assert [m.key for m in mine] == [b'k%d' % n for n in range(partition, 40, PARTITIONS)]
        assert all(m.topic == lab.topic for m in got)

    def test_poll_returns_no_more_than_asked_and_starves_nobody(self, lab: Lab) -> None:
        for _ in range(50):
            lab.append(b'big', 0)
        for partition in range(1, PARTITIONS):
            lab.append(b'small', partition)
        lab.started()
        first, second = lab.some(8), lab.some(8)
        assert len(first) <= 8
        assert len(second) <= 8
        assert {m.partition for m in first + second} == set(range(PARTITIONS))

    def test_poll_waits_for_the_first_message_and_no_longer(self, lab: Lab) -> None:
        source = lab.started()
        assert source.poll(10, 0.05) == []
        late = gevent.spawn_later(0.05, lab.append, b'late', 1)
        got = source.poll(10, 10)
        assert [m.value for m in got] == [b'late']
        late.get()

    def test_nothing_while_paused_and_nothing_lost_by_it(self, lab: Lab) -> None:
        for number in range(6):
            lab.append(b'%d' % number)
        source = lab.started()
        first = lab.some(2)
        source.pause()
        lab.append(b'6')
        assert source.poll(10, 0.15) == []
        source.resume()
        rest = lab.drain(7 - len(first))
        assert [m.value for m in first + rest] == [b'%d' % n for n in range(7)]

    def test_commit_stores_the_next_offset(self, lab: Lab) -> None:
        lab.append(b'a', 2)
        lab.append(b'b', 2)
        source = lab.started()
        lab.drain(2)
        source.commit({lab.tp(2): 1})
        assert lab.committed(2) == 1
        assert source.positions()[lab.tp(2)] == (1, 2)
        assert lab.committed(0) == 0

    def test_revoked_partition_is_quiet_but_may_commit_until_released(self, lab: Lab) -> None:
        lab.append(b'before', 3)
        source = lab.started()
        lab.drain(1)
        lab.revoke(3)
        lab.until('revoked', {3})
        lab.append(b'after', 3)
        assert source.poll(10, 0.15) == []
        source.commit({lab.tp(3): 1})
        source.release([lab.tp(3)])
        assert lab.committed(3) == 1
        with pytest.raises(PartitionLostError):
            source.commit({lab.tp(3): 2})
        assert lab.committed(3) == 1

    def test_release_of_what_was_not_revoked_changes_nothing(self, lab: Lab) -> None:
        """It was, but came back, and the owner had not heard of that when it released it."""
        source = lab.started()
        lab.until('assigned', {2})
        source.release([lab.tp(2)])
        assert lab.tp(2) in source.positions()
        lab.append(b'a', 2)
        assert [m.value for m in lab.drain(1)] == [b'a']
        source.commit({lab.tp(2): 1})
        assert lab.committed(2) == 1

    def test_lost_partition_refuses_commits_and_the_others_are_stored(self, lab: Lab) -> None:
        for partition in (0, 1):
            lab.append(b'x', partition)
        source = lab.started()
        lab.drain(2)
        lab.lose(0)
        with pytest.raises(PartitionLostError) as caught:
            source.commit({lab.tp(0): 1, lab.tp(1): 1})
        assert caught.value.partitions == [lab.tp(0)]
        assert (lab.committed(0), lab.committed(1)) == (0, 1)
        lab.until('lost', {0})

    @pytest.mark.parametrize('call', ['poll', 'commit'])
    def test_an_error_is_a_source_error_and_the_next_call_works(self, lab: Lab, call: str) -> None:
        lab.append(b'a')
        source = lab.started()
        got = lab.drain(1)
        lab.break_next(call)
        if call == 'commit':
            with pytest.raises(SourceError) as caught:
                source.commit({lab.tp(0): 1})
            source.commit({lab.tp(0): 1})
            assert lab.committed(0) == 1
        else:
            lab.append(b'b')
            with pytest.raises(SourceError) as caught:
                lab.drain(1)
            got += lab.drain(1)
            assert [m.value for m in got] == [b'a', b'b']
        assert not isinstance(caught.value, PartitionLostError)

    def test_close_twice_ends_a_waiting_poll(self, lab: Lab) -> None:
        source = lab.started()
        waiting = gevent.spawn(source.poll, 10, 20)
        gevent.sleep(0.02)  # let it get to its wait; no source tells when it has
        source.close()
        source.close()
        assert waiting.get(timeout=5) == []
