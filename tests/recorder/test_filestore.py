"""What the folder shows of a file from its first moment on."""

from __future__ import annotations

from pathlib import Path

from drakkar.peers import Peers
from drakkar.recorder.filestore import FileStore
from drakkar.recorder.settings import RecorderSettings

IDENTITY = {'worker_id': '"w1"', 'started_at': '1.0'}


def test_who_follows_the_link_finds_who_it_is_before_anything_is_recorded(tmp_path: Path) -> None:
    store = FileStore(RecorderSettings(db_dir=tmp_path), 'w1', lambda fn, *args: fn(*args))
    store.open(IDENTITY)
    try:
        found = Peers(tmp_path).find()
        assert [peer.worker_id for peer in found.peers] == ['w1']
        assert found.broken == ()
    finally:
        store.retire()
