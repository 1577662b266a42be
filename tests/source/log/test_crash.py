"""Processes killed while they append and commit: nothing acknowledged is lost."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import gevent
import pytest

from drakkar.source.log.store import LogStore
from tests.source.log.victim import BATCH

# Real processes, of which several begin at a time.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

VICTIM = Path(__file__).with_name('victim.py')
ROOT = VICTIM.parents[3]
ROUNDS = 2


class Victim:
    def __init__(self, action, log, journal, *more):
        self.journal = journal
        environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
        command = [sys.executable, str(VICTIM), action, str(log), str(journal), *more]
        self.process = subprocess.Popen(command, env=environment)

    def lines(self):
        text = self.journal.read_text() if self.journal.exists() else ''
        return text.split('\n')[:-1]

    def send(self, signum):
        self.process.send_signal(signum)

    def stop_without_lock(self, file):
        """Stop it, unless it holds the write lock just then, which would stop everybody."""
        self.send(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)
        with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as other:
            try:
                other.execute('BEGIN IMMEDIATE')
            except sqlite3.OperationalError:
                self.send(signal.SIGCONT)
                return False
            other.execute('ROLLBACK')
        return True

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def spawn(path, tmp_path):
    victims = []

    def start(action, *more):
        victims.append(Victim(action, path, tmp_path / f'journal-{len(victims)}', *more))
        return victims[-1]

    yield start
    for victim in victims:
        victim.kill()


def all_messages(path):
    store = LogStore(path)
    store.open()
    rows = store.run(lambda c: c.execute('SELECT id, value FROM messages ORDER BY id').fetchall())
    heads = store.run(
        lambda c: dict(c.execute('SELECT partition, next_offset FROM partitions').fetchall())
    )
    committed = store.run(
        lambda c: dict(c.execute('SELECT partition, committed FROM group_partitions').fetchall())
    )
    store.close()
    return rows, heads, committed


def test_killed_again_and_again(path, spawn, worker, until):
    victims = []
    for _ in range(ROUNDS):
        pair = [spawn('append'), spawn('append'), spawn('consume'), spawn('consume')]
        victims += pair
        until(lambda pair=pair: all(len(v.lines()) > 20 for v in pair[:2]), timeout=40)
        until(lambda pair=pair: any(len(v.lines()) > 20 for v in pair[2:]), timeout=40)
        for victim in random.sample(pair, 4):
            gevent.sleep(random.uniform(0, 0.02))
            victim.kill()

    words = [line.split() for victim in victims for line in victim.lines()]
    rows, heads, committed = all_messages(path)
    values = [value.decode() for _, value in rows]

    # Acknowledged batches are there, and no batch is there in part or twice.
    assert len(values) == len(set(values))
    stored = {value.rpartition('-')[0] for value in values}
    assert {w[1] for w in words if w[0] == 'appended'} <= stored
    assert len(values) == len(stored) * BATCH
    # Offsets are dense.
    by_partition = {p: [i & (1 << 48) - 1 for i, _ in rows if i >> 48 == p] for p in heads}
    assert by_partition == {p: list(range(head)) for p, head in heads.items()}
    # Acknowledged commits are there.
    for partition, head in heads.items():
        promised = [int(w[2]) for w in words if w[0] == 'committed' and int(w[1]) == partition]
        assert max(promised, default=0) <= committed[partition] <= head

    # What was never read comes to the next worker.
    last = worker('last', partitions=4, lease_seconds=0.5).start()
    rest = sum(heads.values()) - sum(committed.values())
    until(lambda: len(last.got) == rest)
    read = [w[1] for w in words if w[0] == 'read'] + [m.value.decode() for m in last.got]
    assert set(read) == set(values)


def test_a_stopped_process_loses_its_partitions_and_does_not_disturb_when_it_goes_on(
    path, spawn, worker, producer, until
):
    zombie = spawn('consume')
    producer.append(b'first')
    until(lambda: any(line.startswith('committed') for line in zombie.lines()), timeout=40)
    until(lambda: zombie.stop_without_lock(path / 'messages.db'))
    other = worker('other', lease_seconds=0.5).start()
    until(lambda: len(other.owned) == 8)
    seen = zombie.lines()
    zombie.send(signal.SIGCONT)
    # It notices, joins again and gets its share of four; until then it reads nothing.
    until(lambda: len(other.owned) == 4)
    assert [line for line in zombie.lines()[len(seen) :] if not line.startswith('ready')] == []
    assert zombie.process.poll() is None


def test_a_killed_process_is_succeeded_at_once(spawn, worker, until):
    victim = spawn('consume', '600')
    until(lambda: victim.lines(), timeout=40)
    victim.kill()
    successor = worker('successor', lease_seconds=600).start()
    until(lambda: successor.owned == set(range(8)))
