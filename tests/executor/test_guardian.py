"""No program outlives its worker."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import gevent.subprocess
import pytest
from structlog.testing import capture_logs

from tests.executor.world import World, alive, eventually

pytestmark = pytest.mark.slow  # real processes, or real seconds

ROOT = Path(__file__).parents[2]

WORKER = """
from gevent import monkey
monkey.patch_all()
import sys
import gevent
from drakkar.config.sections.executor import ExecutorOptions
from drakkar.contracts.observer import Observer
from drakkar.executor.pool import ProcessPool
from drakkar.greenlets import Nursery
from drakkar.models.task import ExecutorTask

pool = ProcessPool(ExecutorOptions().load({}), Observer(), Nursery(print))
pool.start()
script = 'exec env -i "$0" fork & exec "$0" fork'
for _ in range(3):
    task = ExecutorTask(args=['-c', script, sys.argv[1]], binary_path='/bin/sh')
    pool.submit(task, 0, print)
print('started', pool._guard.pid, flush=True)
gevent.sleep(60)
"""


def processes_of(program: str) -> list[int]:
    found = []
    for name in os.listdir('/proc'):
        if name.isdigit() and alive(int(name)):
            try:
                if os.readlink(f'/proc/{name}/exe') == program:
                    found.append(int(name))
            except OSError:
                continue
    return found


def test_all_programs_die_with_a_worker_that_is_killed(programs: Path) -> None:
    program = str(programs / 'stubborn')
    worker = gevent.subprocess.Popen(
        [sys.executable, '-c', WORKER, program],
        cwd=ROOT,
        stdout=gevent.subprocess.PIPE,
        text=True,
    )
    try:
        guardian = int(worker.stdout.readline().split()[1])
        # Each task is a program and its child, and the same once more without environment.
        eventually(lambda: len(processes_of(program)) == 12)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(guardian, number)
        assert alive(guardian)
    finally:
        worker.kill()
        worker.wait(timeout=10)
        worker.stdout.close()
    eventually(lambda: not processes_of(program))
    eventually(lambda: not alive(guardian))


def test_guardian_that_dies_is_replaced(world: World) -> None:
    first = world.pool._guard.pid
    with capture_logs() as logs:
        os.kill(first, signal.SIGKILL)
        eventually(lambda: world.pool._guard.pid not in (0, first))
    assert [line['event'] for line in logs] == ['guardian_died']
    assert alive(world.pool._guard.pid)


def test_guardian_ends_with_the_pool(world: World) -> None:
    pid = world.pool._guard.pid
    assert os.getsid(pid) == pid
    world.close()
    assert not os.path.exists(f'/proc/{pid}')


def test_guardian_holds_nothing_of_the_worker(world: World) -> None:
    folder = f'/proc/{world.pool._guard.pid}/fd'
    targets = {os.readlink(f'{folder}/{fd}') for fd in ('0', '1', '2')}
    assert targets == {'/dev/null'}
    with open(f'/proc/{world.pool._guard.pid}/environ', 'rb') as environ:
        assert b'DRAKKAR_POOL' not in environ.read()
