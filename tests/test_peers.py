"""Workers that find each other in a shared folder."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from drakkar import peers as peers_module
from drakkar.peers import Peers
from tests.recorder.files import identity, open_file, write_file
from tests.waiting import until

FAR_AWAY = 'another-machine.example'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / 'db').mkdir()
    return tmp_path / 'db'


def add(folder: Path, worker: str, **config: object) -> Path:
    said = identity(worker, started_at=time.time(), **config)
    path = write_file(folder / f'{worker}-2025-01-01__00_00_00.db', [], said)
    (folder / f'{worker}-live.db').symlink_to(path.name)
    return path


def test_without_a_folder_there_are_none(tmp_path):
    assert Peers('').find().peers == ()
    assert Peers(tmp_path / 'missing').find().peers == ()


def test_what_a_peer_says_of_itself(folder):
    path = add(folder, 'w1', metrics_port=9091)
    (peer,) = Peers(folder).find().peers
    assert (peer.worker_id, peer.cluster, peer.address) == ('w1', 'main', 'http://w1:8080')
    assert (peer.metrics_port, peer.path, peer.pid) == (9091, path, os.getpid())
    assert peer.live


def test_a_live_file_is_read_while_it_is_written(folder):
    path = folder / 'w1-2025-01-01__00_00_00.db'
    (folder / 'w1-live.db').symlink_to(path.name)
    with open_file(path, [], identity(started_at=time.time())):
        assert Peers(folder).find().peers[0].live


def test_peers_are_grouped_by_cluster_and_sorted(folder):
    for worker, cluster in [('w2', 'main'), ('w1', 'main'), ('f1', 'fast')]:
        add(folder, worker, cluster_name=cluster)
    clusters = Peers(folder).find().by_cluster()
    assert {name: [p.worker_id for p in found] for name, found in clusters.items()} == {
        'fast': ['f1'],
        'main': ['w1', 'w2'],
    }


def test_a_worker_whose_process_is_gone_is_not_live(folder):
    child = subprocess.Popen([sys.executable, '-c', ''])
    child.wait()
    add(folder, 'w1', pid=child.pid)
    assert not Peers(folder).find().peers[0].live


def test_a_zombie_is_not_live(folder):
    # A program that never asks for its child, as a shell might.
    script = "import os, time; print(os.spawnl(os.P_NOWAIT, '/bin/true', 'true'), flush=True)"
    command = [sys.executable, '-c', f'{script}; time.sleep(60)']
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        try:
            zombie = int(parent.stdout.readline())
            until(lambda: psutil.Process(zombie).status() == psutil.STATUS_ZOMBIE)
            add(folder, 'w1', pid=zombie)
            assert not Peers(folder).find().peers[0].live
        finally:
            parent.kill()


def test_a_pid_that_another_process_has_now_is_no_life(folder):
    path = add(folder, 'w1')
    path.unlink()
    write_file(path, [], identity(started_at=1.0))  # long before this process
    assert not Peers(folder).find().peers[0].live


def test_a_worker_elsewhere_lives_as_long_as_its_file_changes(folder):
    path = add(folder, 'w1', host=FAR_AWAY)
    assert Peers(folder).find().peers[0].live
    long_ago = time.time() - peers_module.SILENT_SECONDS - 1
    os.utime(path, (long_ago, long_ago))
    assert not Peers(folder).find().peers[0].live
    path.with_name(f'{path.name}-wal').touch()
    assert Peers(folder).find().peers[0].live


def test_broken_links_are_listed_with_a_reason_beside_the_others(folder, tmp_path):
    add(folder, 'good')
    outside = write_file(tmp_path / 'outside.db', [], identity('outside'))
    (folder / 'dangling-live.db').symlink_to('gone.db')
    (folder / 'outside-live.db').symlink_to(outside)
    (folder / 'loop-live.db').symlink_to('loop-live.db')
    (folder / 'text-live.db').write_text('no database')
    write_file(folder / 'nobody-live.db', [], {})
    (folder / 'folder-live.db').mkdir()
    found = Peers(folder).find()
    assert [peer.worker_id for peer in found.peers] == ['good']
    reasons = {broken.name: broken.reason for broken in found.broken}
    assert reasons.pop('loop-live.db')
    assert reasons.pop('folder-live.db')
    assert reasons == {
        'dangling-live.db': 'the file that it links to is gone',
        'outside-live.db': 'it links to a file outside of the folder',
        'text-live.db': 'text-live.db: is no SQLite database',
        'nobody-live.db': 'it does not say which worker wrote it',
    }


def test_a_file_is_read_once_and_again_after_a_change(folder, monkeypatch):
    path = add(folder, 'w1')
    reads = []
    real = peers_module._read_config
    monkeypatch.setattr(peers_module, '_read_config', lambda p: reads.append(p) or real(p))
    peers = Peers(folder)
    for _ in range(3):
        assert len(peers.find().peers) == 1
    assert len(reads) == 1
    os.utime(path, (1.0, 1.0))
    peers.find()
    assert len(reads) == 1  # a live file changes all the time
    monkeypatch.setattr(peers_module, 'REREAD_SECONDS', 0.0)
    peers.find()
    assert len(reads) == 2
    (folder / 'w1-live.db').unlink()
    assert peers.find().peers == ()
