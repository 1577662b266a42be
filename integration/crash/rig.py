"""A folder with a log, workers as real processes on it, and the books of what came out."""

from __future__ import annotations

import json
import random
import sqlite3
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil

from drakkar import jsonio
from drakkar.contracts.source import ProducerRecord
from drakkar.source.log.producer import LogProducer
from integration.infra.workers import Workers

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
_POLL_SECONDS = 0.05


class Rig:
    """Owns the folder and its `workers`; close it to end them all."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        self.folder = folder
        self.rng = rng
        self.sent = 0
        # What every message id begins with; another run beside this one has its own.
        self.tag = f'crash-{uuid.uuid4().hex[:8]}'
        ini = folder / 'drakkar.ini'
        ini.write_text(_CONFIG.format(folder=folder))
        self.workers = Workers(ini)
        self._producer = LogProducer(folder / 'log', partitions=6)
        self._producer.connect()

    def close(self) -> None:
        self.workers.close()
        self._producer.close()

    def orphans(self) -> list[psutil.Process]:
        """Return programs of the handler whose worker is gone."""
        mine = {w.pid for w in self.workers.processes.values()}
        found = []
        for process in psutil.process_iter(['cmdline', 'ppid']):
            command = ' '.join(process.info['cmdline'] or [])
            if f'echo {self.tag}' in command and process.info['ppid'] not in mine:
                found.append(process)
        return found

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
