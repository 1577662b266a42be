"""Merges that are killed: no part of a file is ever taken for one, and nothing stays of them."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from drakkar.recorder.databases import Databases
from drakkar.recorder.merge import merge
from drakkar.recorder.targets import MessageAt
from drakkar.recorder.trace import Search, places, trace
from tests.recorder.files import NOW, identity, open_file, row, write_file
from tests.waiting import until

EVENTS = 500
KILLS = 3

PROGRAM = """
import sys
from drakkar.recorder.merge import merge
folder, *sources = sys.argv[1:]
while True:
    merge(sources, folder)
"""


@contextmanager
def merging(folder: Path, sources: list[Path]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that merges into `folder` again and again, killed at the end."""
    command = [sys.executable, '-c', PROGRAM, str(folder), *map(str, sources)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()
            assert process.stderr is not None
            assert process.stderr.read() == b''


def names(folder: Path, start: str) -> set[str]:
    return {name for name in os.listdir(folder) if name.startswith(start)}


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_killed_at_random_moments_beside_another_merge(tmp_path: Path) -> None:
    folder, chance = tmp_path / 'out', random.Random(7)
    folder.mkdir()
    with ExitStack() as stack:
        rows = [row('consumed', NOW + n, partition=1, offset=n) for n in range(EVENTS)]
        live = tmp_path / 'live.db'
        stack.enter_context(open_file(live, rows, identity('live')))
        sources = [live, write_file(tmp_path / 'closed.db', rows, identity('closed'))]
        before = contents(tmp_path)
        survivor = stack.enter_context(merging(folder, sources))
        for _ in range(KILLS):
            done = names(folder, 'merged-')
            with merging(folder, sources) as victim:
                until(lambda: len(names(folder, '.merge-')) >= 3, 30)  # both are at work
                moment = time.monotonic() + chance.uniform(0, 0.2)
                until(lambda moment=moment: time.monotonic() > moment)
                victim.kill()
                victim.wait()
                assert_whole(folder)
            until(lambda done=done: len(names(folder, 'merged-') - done) > 2, 30)
            assert survivor.poll() is None
        survivor.kill()
        survivor.wait()
        assert_whole(folder)
        merge(sources, folder)
        assert names(folder, '.') == set()
        assert_whole(folder)
        assert contents(tmp_path) == before


def contents(folder: Path) -> dict[str, bytes]:
    """All of the sources but what readers share with a writer."""
    files = [path for path in folder.iterdir() if path.is_file() and path.suffix != '.db-shm']
    return {path.name: path.read_bytes() for path in files}


def assert_whole(folder: Path) -> None:
    """What the list, a trace and SQLite see of a folder are complete files alone."""
    databases = Databases(folder)
    listed = databases.look()
    assert {(file.events, file.problem) for file in listed} <= {(2 * EVENTS, '')}
    deadline = time.monotonic() + 8
    found = trace(MessageAt(1, EVENTS - 1, ''), Search(places(databases, deadline), deadline))
    assert found['problems'] == []
    assert {found['worker'] for found in found['rows']} <= {'live', 'closed'}
    for file in listed[:2]:
        with closing(sqlite3.connect(file.path)) as connection:
            assert connection.execute('PRAGMA integrity_check').fetchone() == ('ok',)
    for file in listed[2:]:  # the next look takes no longer than this one
        file.path.unlink()
