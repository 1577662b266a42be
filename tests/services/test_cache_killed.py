"""A worker that is killed: its cache loses what it had no time to write, and nothing else."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from drakkar.cache import CacheSettings, WorkerCache
from tests.waiting import until

FLUSH_SECONDS = 0.05

# Sets numbered values as fast as it may, one of them over and over, and prints how many
# were set whenever all of them are on disk.
PROGRAM = """
import sys, gevent
from pathlib import Path
from drakkar.cache import CacheSettings, WorkerCache
from drakkar.contracts.cache import Scope
cache = WorkerCache(CacheSettings(Path(sys.argv[1]), flush_seconds=float(sys.argv[2])), 'w1')
cache.start()
number = 0
while True:
    for _ in range(50):
        cache.set(f'k{number}', number, scope=Scope.CLUSTER)
        cache.set('last', number)
        number += 1
    gevent.sleep(0.005)
    if not cache.state.pending:
        print(number, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize('lines', [1, 4, 9])
def test_a_killed_worker_finds_all_but_the_last_interval(tmp_path: Path, lines: int) -> None:
    printed = tmp_path / 'printed'
    script = tmp_path / 'program.py'
    script.write_text(PROGRAM)
    folder = tmp_path / 'db'
    command = [sys.executable, '-m', 'gevent.monkey', str(script), str(folder), str(FLUSH_SECONDS)]
    with printed.open('w') as out, subprocess.Popen(command, stdout=out) as process:
        until(lambda: printed.read_text().count('\n') >= lines, timeout=30)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    safe = int(printed.read_text().split('\n')[-2])
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
