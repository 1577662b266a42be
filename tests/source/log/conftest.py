"""Logs, producers and workers on a temporary directory."""

from __future__ import annotations

import gevent
import pytest

from drakkar.source.log.options import LogOptions
from drakkar.source.log.producer import LogProducer
from drakkar.source.log.source import LogSource
from tests.source.contract import Heard


class Worker:
    """A source with one greenlet that polls it, gives up what is revoked and keeps what came."""

    def __init__(self, log, name='worker', release=True, **options):
        values = {'path': str(log), 'poll_interval_ms': 5, 'lease_seconds': 5, **options}
        pragmas = values.pop('pragmas', None)
        self.source = LogSource(LogOptions().load(values), name, pragmas=pragmas)
        self.heard = Heard()
        self.owned = set()
        self.got = []
        self.release = release
        self.greenlet = None
        told = self.heard.events
        self.heard.events.assigned = self._then(told.assigned, self.owned.update)
        self.heard.events.lost = self._then(told.lost, self.owned.difference_update)

    @staticmethod
    def _then(tell, note):
        return lambda tps: (tell(tps), note({tp.partition for tp in tps}))

    def start(self):
        self.source.start(self.heard.events)
        self.greenlet = gevent.spawn(self._run)
        return self

    def _run(self):
        while True:
            self.got += self.source.poll(100, 0.05)
            for tps in [tps for kind, tps in self.heard.told if kind == 'revoked']:
                mine = [tp for tp in tps if tp.partition in self.owned]
                if mine and self.release:
                    self.source.release(mine)
                    self.owned.difference_update(tp.partition for tp in mine)

    def stop(self):
        if self.greenlet is not None:
            self.greenlet.kill()
        self.source.close()

    def abandon(self):
        """Die without leaving the group: only the lease tells the others."""
        self.greenlet.kill()
        self.source._greenlets.kill()
        self.source._store.close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'log'


@pytest.fixture
def worker(path):
    workers = []

    def make(name='worker', **options):
        workers.append(Worker(path, name, **options))
        return workers[-1]

    yield make
    for each in workers:
        each.stop()


@pytest.fixture
def producer(path):
    with LogProducer(path, fsync=False) as producer:
        yield producer


@pytest.fixture
def until():
    def wait(condition, timeout=10):
        with gevent.Timeout(timeout, AssertionError('condition never came true')):
            while not condition():
                gevent.sleep(0.005)

    return wait
