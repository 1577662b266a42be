"""The in-memory source keeps the contract and does what a test says."""

from __future__ import annotations

import pytest

from drakkar.errors import SourceError
from drakkar.source.memory import MemorySource
from tests.source.contract import PARTITIONS, Heard, Lab, SourceContract


class MemoryLab(Lab):
    source: MemorySource

    def append(self, value, partition=0, key=None):
        self.source.append(value, partition, key)

    def committed(self, partition):
        return self.source.committed.get(self.tp(partition), 0)

    def revoke(self, partition):
        self.source.revoke(partition)

    def lose(self, partition):
        self.source.lose(partition)

    def break_next(self, call):
        self.source.fail(call)


class TestMemorySource(SourceContract):
    @pytest.fixture
    def lab(self):
        lab = MemoryLab(MemorySource(PARTITIONS))
        yield lab
        lab.source.close()


def test_assigned_only_as_scripted_and_again_from_the_committed_offset():
    source = MemorySource(2, assign_all=False)
    heard = Heard()
    source.start(heard.events)
    for number in range(3):
        source.append(b'%d' % number, 1)
    assert source.poll(10, 0) == []
    source.assign(1)
    assert [m.offset for m in source.poll(10, 1)] == [0, 1, 2]
    tp = source.log[1][0].topic_partition
    source.commit({tp: 2})
    source.revoke(1)
    source.poll(10, 0)
    source.release([tp])
    source.assign(1)
    assert [m.offset for m in source.poll(10, 1)] == [2]
    assert [kind for kind, _ in heard.told] == ['assigned', 'revoked', 'assigned']
    assert source.released == [tp]
    assert source.commits == [{tp: 2}]


def test_fails_as_often_as_told():
    source = MemorySource()
    source.start(Heard().events)
    source.append(b'x')
    source.fail('poll', times=2)
    for _ in range(2):
        with pytest.raises(SourceError, match='as the test said'):
            source.poll(1, 1)
    assert len(source.poll(1, 1)) == 1
