"""A worker that is killed: its recorder loses no more than what it had no time to write."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.waiting import until

FLUSH_SECONDS = 0.1

# Notes numbered events as fast as it is told and prints each number that it has noted.
PROGRAM = """
import sys, gevent
from pathlib import Path
from drakkar.models.message import SourceMessage
from drakkar.models.snapshot import WorkerSnapshot
from drakkar.recorder import Recorder, RecorderSettings
settings = RecorderSettings(db_dir=Path(sys.argv[1]), flush_seconds=float(sys.argv[2]))
who = {'worker_id': 'w1', 'source': 'log'}
recorder = Recorder(settings, who, lambda: WorkerSnapshot('w1', '', 0.0))
recorder.start()
number = 0
while True:
    for _ in range(20):
        recorder.observer.consumed([SourceMessage('t', 0, number, None)])
        number += 1
    print(number - 1, recorder.state.written, flush=True)
    gevent.sleep(0.01)
"""


@pytest.mark.slow
@pytest.mark.parametrize('moment', [0.3, 0.55, 0.8])
def test_a_killed_recorder_loses_the_last_interval_at_most(tmp_path: Path, moment: float) -> None:
    log = tmp_path / 'noted'
    folder = tmp_path / 'db'
    script = tmp_path / 'program.py'
    script.write_text(PROGRAM)
    command = [sys.executable, '-m', 'gevent.monkey', str(script), str(folder), str(FLUSH_SECONDS)]
    with log.open('w') as out, subprocess.Popen(command, stdout=out) as process:
        until(lambda: (lines := lines_of(log)) and lines[-1][1] > 0, timeout=30)
        first = time.monotonic()
        until(lambda: time.monotonic() - first > moment)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    written_for_sure = lines_of(log)[-1][1]
    (path,) = [p for p in folder.glob('*.db') if not p.is_symlink()]
    assert (folder / 'w1-live.db').resolve() == path  # readers find out that nobody is there
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute('PRAGMA integrity_check').fetchone() == ('ok',)
        found = [n for (n,) in connection.execute('SELECT offset FROM events ORDER BY id')]
    assert found == list(range(len(found)))
    assert len(found) >= written_for_sure > 0


def lines_of(path: Path) -> list[tuple[int, int]]:
    lines = path.read_text().split('\n')[:-1]
    return [(int(noted), int(written)) for noted, written in map(str.split, lines)]
