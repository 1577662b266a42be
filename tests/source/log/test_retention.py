"""Retention: what goes, in which steps, and what a group that was too slow is told."""

from __future__ import annotations

import time

import pytest

from drakkar.contracts.source import ProducerRecord
from drakkar.source.log.retention import STEP_MESSAGES, Retention, trim
from drakkar.source.log.store import LogStore


@pytest.fixture
def store(path):
    store = LogStore(path)
    store.open()
    yield store
    store.close()


def bounds(store, partition=0):
    return store.run(
        lambda c: (
            c.execute(
                'SELECT start_offset, next_offset FROM partitions WHERE partition = ?', (partition,)
            ).fetchone(),
            c.execute('SELECT count(*) FROM messages').fetchone()[0],
        )
    )


def fill(producer, count, timestamp=None):
    producer.append_many([ProducerRecord(b'x', partition=0, timestamp=timestamp)] * count)


def test_by_number(store, producer):
    fill(producer, 10)
    assert store.run(trim, Retention(max_messages=4), 0) == 6
    assert store.run(trim, Retention(max_messages=4), 0) == 0
    assert bounds(store) == ((6, 10), 4)


def test_by_age_and_only_from_the_start(store, producer):
    old = time.time() - 7200
    fill(producer, 3, old)
    fill(producer, 1)
    fill(producer, 2, old)
    assert store.run(trim, Retention(hours=1), 0) == 3
    assert bounds(store) == ((3, 6), 3)


def test_in_bounded_steps_down_to_nothing_and_offsets_go_on(store, producer):
    fill(producer, STEP_MESSAGES + 5, time.time() - 7200)
    assert store.run(trim, Retention(hours=1), 0) == STEP_MESSAGES
    assert store.run(trim, Retention(hours=1), 0) == 5
    assert bounds(store)[1] == 0
    assert producer.append(b'x', partition=0)[1] == STEP_MESSAGES + 5


def test_nothing_asked_nothing_removed(store, producer):
    fill(producer, 3, 1.0)
    assert not Retention()
    assert store.run(trim, Retention(), 0) == 0


def test_a_group_that_was_too_slow_goes_on_at_the_start_and_it_is_counted(
    store, producer, worker, until
):
    first = worker('first').start()
    until(lambda: first.owned)
    first.stop()
    fill(producer, 10)
    store.run(trim, Retention(max_messages=4), 0)
    second = worker('second').start()
    until(lambda: len(second.got) == 4)
    assert [m.offset for m in second.got] == [6, 7, 8, 9]
    assert second.source.skipped == 6
    expired = 'SELECT expired FROM group_partitions WHERE partition = 0'
    until(lambda: store.run(lambda c: c.execute(expired).fetchone()) == (6,))


def test_a_worker_does_it(store, producer, worker, until):
    fill(producer, 10, 1.0)
    worker(retention_hours=1).start()
    until(lambda: bounds(store)[1] == 0)
