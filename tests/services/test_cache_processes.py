"""Workers in processes of their own, which write and read each other's files all the time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

# Sets and deletes the same keys as the others, closes its file and opens it again now and then,
# and in the end prints what it has once it has heard from all that they are done.
PROGRAM = """
import dataclasses, json, random, sys, time
import gevent
from pathlib import Path
from drakkar.cache import CacheSettings, WorkerCache
from drakkar.contracts.cache import Scope
folder, me, others, seconds, network = sys.argv[1:]
rng = random.Random(me)
settings = CacheSettings(
    Path(folder), max_memory_entries=10, flush_seconds=0.01, cleanup_seconds=0.05,
    network_folder=network == 'True', busy_seconds=5)
sync = dataclasses.replace(settings.sync, interval_seconds=0.01, batch_size=7)
settings = dataclasses.replace(settings, sync=sync)
problems, damaged = [], 0
def started():
    cache = WorkerCache(settings, me)
    cache.start()
    return cache
def noted(cache):
    global damaged
    state = cache.state
    damaged += sum(peer.damaged for peer in state.peers)
    problems.extend(text for text in (state.problem, *(p.problem for p in state.peers)) if text)
cache, end = started(), time.monotonic() + float(seconds)
while time.monotonic() < end:
    key = f'k{rng.randrange(30)}'
    if rng.random() < 0.2:
        cache.delete(key)
    else:
        cache.set(key, [me, rng.random(), 'x' * rng.randrange(3000)], scope=Scope.CLUSTER)
    gevent.sleep(0.001)
    if rng.random() < 0.01:
        noted(cache)
        cache.stop()
        cache = started()
cache.set(f'done {me}', True, scope=Scope.CLUSTER)
cache.flush()
until = time.monotonic() + 20
while not all(f'done {n}' in cache for n in others.split(',')) and time.monotonic() < until:
    gevent.sleep(0.01)
cache.sync()
noted(cache)
found = {f'k{n}': cache.get(f'k{n}') for n in range(30)}
# The others may still need the file as it is.
print(json.dumps([found, damaged, problems]), flush=True)
sys.stdin.read()
cache.stop()
"""


@pytest.mark.slow
@pytest.mark.timeout(90)
@pytest.mark.parametrize('network_folder', [False, True])
def test_processes_agree(tmp_path: Path, network_folder: bool) -> None:
    script = tmp_path / 'program.py'
    script.write_text(PROGRAM)
    names = ['a', 'b', 'c']
    run = [sys.executable, '-m', 'gevent.monkey', str(script), str(tmp_path / 'db')]
    processes = [
        subprocess.Popen(
            [*run, name, ','.join(names), '3', str(network_folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    answers = [
        next(line for line in process.stdout if line.startswith('[{'))  # the log is there too
        for process in processes
        if process.stdout
    ]
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    found, damaged, problems = zip(*map(json.loads, answers), strict=True)
    assert found[0] == found[1] == found[2]
    assert sum(value is not None for value in found[0].values()) > 10
    assert damaged == (0, 0, 0), problems
