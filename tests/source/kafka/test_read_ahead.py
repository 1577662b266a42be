"""Records are handed over in order, each partition in its turn."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from drakkar.models.message import TopicPartition
from drakkar.source.kafka.read_ahead import ReadAhead, as_message


def records(partition: int, count: int) -> list[SimpleNamespace]:
    return [
        SimpleNamespace(
            topic='t',
            partition=partition,
            offset=offset,
            value=b'v',
            key=None,
            timestamp=1500 + offset,
            headers=[],
        )
        for offset in range(count)
    ]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=6), st.integers(1, 20))
def test_everything_comes_once_in_order_and_no_more_than_asked(
    counts: list[int], limit: int
) -> None:
    ahead = ReadAhead(1000, 1000)
    ahead.put({TopicPartition('t', p): records(p, n) for p, n in enumerate(counts) if n})
    got = []
    while ahead:
        taken = ahead.take(limit)
        assert 0 < len(taken) <= limit
        got += taken
    for partition, count in enumerate(counts):
        assert [m.offset for m in got if m.partition == partition] == list(range(count))


def test_a_long_queue_does_not_keep_the_others_waiting() -> None:
    ahead = ReadAhead(1000, 1000)
    ahead.put({TopicPartition('t', 0): records(0, 400), TopicPartition('t', 1): records(1, 2)})
    assert {m.partition for m in ahead.take(4)} == {0, 1}


def test_dropped_partitions_are_not_handed_over() -> None:
    ahead = ReadAhead(1000, 1000)
    ahead.put({TopicPartition('t', p): records(p, 3) for p in range(2)})
    ahead.drop([TopicPartition('t', 0), TopicPartition('t', 7)])
    assert {m.partition for m in ahead.take(10)} == {1}
    assert not ahead


def test_it_is_full_at_so_many_records_or_bytes_until_some_are_taken_or_dropped() -> None:
    ahead = ReadAhead(max_records=4, max_bytes=100)
    ahead.put({TopicPartition('t', p): records(p, 2) for p in range(2)})
    assert ahead.full
    ahead.take(1)
    assert not ahead.full
    large, null = records(3, 2)
    large.value, null.value = b'x' * 100, None
    ahead.put({TopicPartition('t', 3): [large, null]})
    ahead.take(1)
    assert ahead.full
    ahead.drop([TopicPartition('t', 3)])
    assert not ahead.full


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 5)), max_size=20))
def test_what_is_counted_is_what_is_there(steps: list[tuple[int, int]]) -> None:
    ahead = ReadAhead(1, 1)
    for step, number in steps:
        if step == 0:
            ahead.put({TopicPartition('t', number): records(number, number)})
        elif step == 1:
            ahead.take(number)
        else:
            ahead.drop([TopicPartition('t', number)])
        assert ahead.full is bool(ahead)


def test_a_record_without_a_timestamp_has_0() -> None:
    [record] = records(0, 1)
    assert as_message(record).timestamp == 1.5
    record.timestamp = -1
    assert as_message(record).timestamp == 0.0
