"""A folder with a log, workers as real processes on it, and the books of what came out."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil

from drakkar import jsonio
from drakkar.contracts.source import ProducerRecord
from drakkar.source.log.producer import LogProducer

_CONFIG = """\
[drakkar]
handler = integration.crash.handler:EchoHandler
source = log

[log]
path = {folder}/log
partitions = 6
lease_seconds = 2

[executor]
max_executors = 3
window_size = 5
kill_grace_seconds = 0.2

[sinks.filesystem.results]
base_path = {folder}/results

[dlq]
path = {folder}/dlq

[metrics]
enabled = false

[debug]
enabled = false
"""
_ROOT = Path(__file__).parents[2]
_POLL_SECONDS = 0.05


class Rig:
    """Owns the folder and every worker it started; close it to end them all."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        self.folder = folder
        self.rng = rng
        self.sent = 0
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self._ini = folder / 'drakkar.ini'
        self._ini.write_text(_CONFIG.format(folder=folder))
        self._producer = LogProducer(folder / 'log', partitions=6)
        self._producer.connect()

    def close(self) -> None:
        for name in list(self.workers):
            self.kill(name)
        self._producer.close()

    # Workers

    def start(self, name: str) -> None:
        """Start a worker process; its log goes to a file of its name."""
        with open(self.folder / f'{name}.log', 'ab') as output:
            self.workers[name] = subprocess.Popen(
                [sys.executable, '-m', 'drakkar', 'serve', '-c', str(self._ini)],
                stdout=output,
                stderr=output,
                cwd=_ROOT,
                env={**os.environ, 'WORKER_ID': name},
            )

    def kill(self, name: str) -> None:
        """End a worker with SIGKILL: no drain, no commit, no goodbye."""
        worker = self.workers.pop(name)
        worker.kill()
        worker.wait()

    def stop(self, name: str) -> int:
        """End a worker with SIGTERM and return its exit code."""
        worker = self.workers.pop(name)
        worker.send_signal(signal.SIGTERM)
        return worker.wait(timeout=60)

    def orphans(self) -> list[psutil.Process]:
        """Return programs of the handler whose worker is gone."""
        mine = {w.pid for w in self.workers.values()}
        found = []
        for process in psutil.process_iter(['cmdline', 'ppid']):
            command = ' '.join(process.info['cmdline'] or [])
            if f'echo {self.tag}' in command and process.info['ppid'] not in mine:
                found.append(process)
        return found

    # Messages

    @property
    def tag(self) -> str:
        """What every message id of this rig begins with."""
        return f'crash-{self.folder.name}'

    def produce(self, count: int) -> None:
        """Append messages whose programs take up to 20 ms."""
        numbers = range(self.sent, self.sent + count)
        self._producer.append_many(
            ProducerRecord(
                jsonio.dumps_bytes(
                    {'id': f'{self.tag}-{n}', 'seconds': round(self.rng.uniform(0, 0.02), 3)}
                ),
                str(n).encode(),
            )
            for n in numbers
        )
        self.sent += count

    def delivered(self, file: str) -> Counter[str]:
        """Return how often each id stands in a result file; torn lines do not count."""
        path = self.folder / 'results' / file
        found: Counter[str] = Counter()
        if path.exists():
            for line in path.read_bytes().split(b'\n'):
                try:
                    found[json.loads(line)['id']] += 1
                except ValueError:
                    continue
        return found

    def uncommitted(self) -> int:
        """Return how many messages of the log the group has not committed."""
        with closing(sqlite3.connect(self.folder / 'log' / 'messages.db', timeout=10)) as log:
            (left,) = log.execute(
                'SELECT SUM(p.next_offset - COALESCE(g.committed, 0)) FROM partitions p '
                'LEFT JOIN group_partitions g ON g.partition = p.partition'
            ).fetchone()
        return int(left)


def wait_for(condition: Callable[[], object], timeout: float, what: str) -> None:
    """Wait until `condition()` holds. Raises TimeoutError."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f'{what}: not within {timeout} s')
        time.sleep(_POLL_SECONDS)
