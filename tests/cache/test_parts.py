"""The pure parts, and those that wait."""

from __future__ import annotations

import os

import gevent
import pytest
from gevent.monkey import get_original
from gevent.threadpool import ThreadPool
from hypothesis import given
from hypothesis import strategies as st

from drakkar.cache.clock import COUNTER_BITS, StampClock, seconds
from drakkar.cache.entry import Entry
from drakkar.cache.loop import Loop
from drakkar.cache.memory import Memory
from drakkar.cache.threads import PatientThread, StuckError
from drakkar.contracts.cache import Scope
from tests.waiting import until

native_lock = get_original('_thread', 'allocate_lock')

TIMES = st.lists(st.floats(0, 4e9), min_size=1, max_size=30)


@given(times=TIMES, seen=st.lists(st.integers(0, 1 << 61), max_size=5))
def test_stamps_only_grow_wherever_the_clock_jumps(times, seen):
    now = iter(times)
    clock = StampClock(lambda: next(now))
    last = 0
    for number, time in enumerate(times):
        if number < len(seen):
            clock.observe(seen[number])
            last = max(last, seen[number])
        stamp = clock.tick()
        assert stamp > last
        assert seconds(stamp) >= int(time * 1000) / 1000
        last = stamp


def test_many_changes_of_one_millisecond_are_told_apart():
    clock = StampClock(lambda: 1.0)
    stamps = [clock.tick() for _ in range(1000)]
    assert stamps == list(range(1000 << COUNTER_BITS, (1000 << COUNTER_BITS) + 1000))


def native_threads() -> int:
    return len(os.listdir('/proc/self/task'))


def entry(key, expires_at=None):
    return Entry(key, '1', Scope.LOCAL, expires_at, 1, 'w')


@given(
    limit=st.integers(1, 5),
    calls=st.lists(st.tuples(st.sampled_from(['put', 'drop']), st.sampled_from('abcdefg'))),
)
def test_memory_has_the_last_that_were_used(limit, calls):
    memory = Memory(limit, lambda: 0.0)
    expected: list[str] = []
    for call, key in calls:
        if key in expected:
            expected.remove(key)
        if call == 'put':
            memory.put(entry(key))
            expected = [*expected, key][-limit:]
        else:
            memory.drop(key)
        assert [e.key for e in memory.entries()] == expected


def test_memory_forgets_what_expired_in_small_steps():
    memory = Memory(5000, lambda: 10.0)
    for number in range(5000):
        memory.put(entry(f'k{number}', expires_at=5.0 if number % 2 else 15.0))
    steps = 0
    for _ in memory.expire():
        steps += 1
        if steps == 1:
            memory.put(entry('k4999'))  # set again meanwhile
    assert steps == 5
    assert len(memory) == 2501


def test_a_loop_goes_on_after_a_step_that_failed():
    steps = []

    def step():
        steps.append(1)
        raise ValueError('no')

    loop = Loop('cache-test', 0.001, step)
    loop.start(at_once=True)
    try:
        until(lambda: len(steps) > 3)
    finally:
        loop.stop()
    loop.stop()


def test_a_woken_loop_does_not_wait():
    steps = []
    loop = Loop('cache-test', 3600, lambda: steps.append(1))
    loop.start()
    try:
        gevent.sleep(0)
        assert steps == []
        loop.wake()
        until(lambda: steps)
    finally:
        loop.stop()


def test_a_thread_that_is_stuck_is_replaced_a_few_times():
    threads = native_threads()
    thread = PatientThread()
    answer = native_lock()

    def wait_for_answer():
        with answer:
            pass

    with answer:
        for _ in range(4):
            with pytest.raises(StuckError, match='no answer'):
                thread.run(0.01, wait_for_answer)
        with pytest.raises(StuckError, match='4 earlier calls'):
            thread.run(0.01, int)
    until(lambda: not thread.stuck)
    assert thread.run(5, int) == 0
    with pytest.raises(ZeroDivisionError):
        thread.run(5, lambda: 1 / 0)
    thread.stop()
    until(lambda: native_threads() <= threads)


def test_calls_that_return_while_a_thread_is_ended_leave_no_thread(monkeypatch):
    threads = native_threads()
    thread = PatientThread()
    held = [native_lock() for _ in range(3)]
    for lock in held:
        lock.acquire()
        with pytest.raises(StuckError):
            thread.run(0.01, lock.acquire)
    calls = [call for _, call in thread._stuck]
    end = ThreadPool.kill

    def end_late(pool):
        while held:
            held.pop().release()
        until(lambda: all(call.ready() for call in calls))
        end(pool)

    monkeypatch.setattr(ThreadPool, 'kill', end_late)
    held.pop().release()
    until(lambda: calls[-1].ready())
    assert thread.stuck == 2
    assert thread.stuck == 0
    until(lambda: native_threads() <= threads)
