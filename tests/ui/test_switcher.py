"""The menu of workers: those that share a folder, by cluster, without making pages wait."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from gevent.event import Event

from drakkar.peers import Found, Peers
from drakkar.ui import switcher as module
from drakkar.ui.switcher import Switcher
from tests.recorder.files import identity, write_file
from tests.ui.site import running


def add(folder: Path, worker: str, **config: object) -> None:
    said = identity(worker, started_at=time.time(), **config)
    path = write_file(folder / f'{worker}-2025-01-01__00_00_00.db', [], said)
    (folder / f'{worker}-live.db').symlink_to(path.name)


def test_workers_stand_by_cluster_the_own_one_first(tmp_path: Path) -> None:
    add(tmp_path, 'w2', cluster_name='other', debug_url='http://w2.example:8080')
    add(tmp_path, 'w1', cluster_name='another', debug_url='javascript:alert(1)')
    (tmp_path / 'x-live.db').symlink_to('nothing.db')
    with running(db_dir=str(tmp_path)) as site:
        site.harness.wait_for((tmp_path / 'test-live.db').is_symlink)
        found = site.ask('/api/workers').json
        assert found['shared'] is True
        names = [(c['name'], [w['worker_id'] for w in c['workers']]) for c in found['clusters']]
        assert names == [('', ['test']), ('another', ['w1']), ('other', ['w2'])]
        urls = [w['url'] for c in found['clusters'] for w in c['workers']]
        assert urls == ['/', '', 'http://w2.example:8080']
        assert [b['name'] for b in found['broken']] == ['x-live.db']
        page = site.ask('/').text
        assert '<a href="http://w2.example:8080">w2</a>' in page
        assert 'javascript:' not in page


def test_alone_there_is_the_own_worker(tmp_path: Path) -> None:
    with running() as site:
        found = site.ask('/api/workers').json
        assert found['shared'] is False
        assert [c['workers'][0]['current'] for c in found['clusters']] == [True]


class SlowPeers(Peers):
    """A folder on a disk that does not answer."""

    def __init__(self) -> None:
        super().__init__('')
        self.answers = Event()
        self.looks = 0

    def find(self) -> Found:
        self.looks += 1
        self.answers.wait()
        raise OSError('stale file handle')


def test_a_slow_disk_is_asked_once_and_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, '_PATIENCE_SECONDS', 0.01)
    peers = SlowPeers()
    switcher = Switcher(peers)
    for _ in range(3):
        assert switcher.found() == Found()
    assert peers.looks == 1
    peers.answers.set()
    assert switcher.found() == Found()
    assert switcher.found() == Found()
    assert peers.looks == 1  # and it rests before the next look
    switcher.stop()
