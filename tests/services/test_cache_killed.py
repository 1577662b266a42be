"""A worker that is killed: its cache loses what it had no time to write, and nothing else."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from drakkar.cache import CacheSettings, WorkerCache
from tests.waiting import until

FLUSH_SECONDS = 0.2

# Sets so many numbered values at once, one of them over and over, and prints how many were set
# at which time (of the machine, not of the process), whether all of them are on disk by then,
# and how long the longest flush took: what is set as it begins waits for it, and for its own.
PROGRAM = """
import sys, time, gevent
from pathlib import Path
from drakkar.cache import CacheSettings, WorkerCache
from drakkar.cache.pending import Pending
from drakkar.contracts.cache import Scope
longest, began, flush = 0.0, None, Pending.flush
def timed(pending):
    global longest, began
    began = time.monotonic()
    flush(pending)
    longest, began = max(longest, time.monotonic() - began), None
Pending.flush = timed
cache = WorkerCache(CacheSettings(Path(sys.argv[1]), flush_seconds=float(sys.argv[2])), 'w1')
cache.start()
number = 0
while True:
    for _ in range(int(sys.argv[3])):
        cache.set(f'k{number}', number, scope=Scope.CLUSTER)
        cache.set('last', number)
        number += 1
    now = time.monotonic()
    print(number, now, max(longest, now - (began or now)), int(not cache.state.pending), flush=True)
    gevent.sleep(0.005)
"""


@pytest.mark.slow
@pytest.mark.parametrize('at_once', [5, 100])  # the interval is over first, or room for changes
@pytest.mark.parametrize('seed', range(4))
def test_a_killed_worker_finds_all_but_the_last_interval(
    tmp_path: Path, seed: int, at_once: int
) -> None:
    printed = tmp_path / 'printed'
    script = tmp_path / 'program.py'
    script.write_text(PROGRAM)
    folder = tmp_path / 'db'
    arguments = [str(folder), str(FLUSH_SECONDS), str(at_once)]
    command = [sys.executable, '-m', 'gevent.monkey', str(script), *arguments]
    longer = random.Random(seed).uniform(0, 4) * FLUSH_SECONDS
    with printed.open('w') as out, subprocess.Popen(command, stdout=out) as process:
        until(lambda: safe_at(time.monotonic(), lines_of(printed)) > 0, timeout=30)
        begun = time.monotonic()
        until(lambda: time.monotonic() - begun > longer)
        killed = time.monotonic()
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    safe = safe_at(killed, lines_of(printed))
    cache = WorkerCache(CacheSettings(folder), 'w1')
    cache.start()
    try:
        assert [n for n in range(safe) if cache.get(f'k{n}') != n] == []
        assert cache.get('last') >= safe - 1
        assert cache.state.problem == ''
    finally:
        cache.stop()
    with closing(sqlite3.connect(folder / 'w1-cache.db')) as connection:
        assert connection.execute('PRAGMA integrity_check').fetchone() == ('ok',)


Line = tuple[int, float, float, bool]


def lines_of(printed: Path) -> list[Line]:
    lines = [line.split() for line in printed.read_text().split('\n')[:-1]]
    return [(int(n), float(at), float(took), written == '1') for n, at, took, written in lines]


def safe_at(killed: float, lines: list[Line]) -> int:
    """Return how many values had to be on disk: those set before the last interval began."""
    if not lines:
        return 0
    # The machine is busy: what did not run could not write, nor begin to.
    times = [at for _, at, _, _ in lines]
    pause = max((after - before for before, after in pairwise(times)), default=0)
    slack = 2 * max(took for _, _, took, _ in lines) + pause + 0.1
    late = min(killed, times[-1]) - FLUSH_SECONDS - slack
    return max((n for n, at, _, written in lines if written or at < late), default=0)
