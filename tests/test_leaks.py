"""The leak guard finds each kind of leak, is silent without one, and is cheap."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator

import gevent
import pytest

from tests import leaks


def test_the_first_child_watcher_opens_nothing_more(before):
    gevent.get_hub().loop.install_sigchld()
    gevent.sleep(0)
    assert leaks.find(before) == []


@pytest.fixture
def before() -> Iterator[leaks.Snapshot]:
    taken = leaks.snapshot()
    yield taken
    leaks.clean_up(taken)


def test_nothing_is_found_when_nothing_is_left(before):
    gevent.spawn(gevent.sleep, 0).join()
    with open('/dev/null'):
        subprocess.run(['true'], check=True)
    assert leaks.find(before) == []


def test_a_running_greenlet_is_found_and_ended(before):
    greenlet = gevent.spawn(gevent.sleep, 60)
    found = leaks.find(before, grace_seconds=0.05)
    assert len(found) == 1
    assert 'greenlet' in found[0]
    assert 'sleep' in found[0]
    leaks.clean_up(before)
    assert greenlet.dead
    assert leaks.find(before) == []


def test_a_greenlet_that_is_about_to_end_is_none(before):
    gevent.spawn(gevent.sleep, 0.02)
    assert leaks.find(before) == []


def test_a_running_child_is_found_and_killed(before):
    pid = os.posix_spawn('/bin/sleep', ['sleep', '60'], {})
    assert leaks.find(before, grace_seconds=0.05) == [f'child {pid}: sleep 60']
    leaks.clean_up(before)
    assert leaks.find(before) == []


def test_a_zombie_is_found(before):
    pid = os.posix_spawn('/bin/true', ['true'], {})
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    # No grace: once a child watcher exists, the hub reaps every child when it runs.
    assert leaks.find(before, grace_seconds=0) == [f'child {pid}: zombie']


def test_an_open_descriptor_is_found(before):
    number = os.open('/dev/null', os.O_RDONLY)
    try:
        assert leaks.find(before, grace_seconds=0.05) == [f'descriptor {number}: /dev/null']
    finally:
        os.close(number)
    assert leaks.find(before) == []


def test_environment_changes_are_found_and_undone(before, monkeypatch):
    monkeypatch.setenv('DRAKKAR_LEAK', '1')
    monkeypatch.delenv('PATH')
    assert leaks.find(before, grace_seconds=0.05) == [
        'environment variable DRAKKAR_LEAK',
        'environment variable PATH',
    ]
    leaks.clean_up(before)
    assert leaks.find(before) == []


def test_the_guard_costs_less_than_a_millisecond_a_test():
    def once() -> float:
        start = time.perf_counter()
        assert leaks.find(leaks.snapshot()) == []
        return time.perf_counter() - start

    assert min(once() for _ in range(20)) < 0.001
