"""The recorder files of a folder."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

import gevent
import pytest
from gevent.monkey import get_original
from hypothesis import given
from hypothesis import strategies as st

from drakkar.readonly import UnreadableError
from drakkar.recorder import copies
from drakkar.recorder import databases as module
from drakkar.recorder.copies import CopyingError, TooLargeError
from drakkar.recorder.databases import Databases, NoSuchDatabaseError
from drakkar.recorder.merge import merge
from tests.recorder.files import NOW, identity, open_file, row, write_file
from tests.waiting import until

LIVE = 'w1-2025-01-02__00_00_00.db'
OLD = 'w1-2025-01-01__00_00_00.db'
OUTSIDE = '../secret.db'
native_sleep = get_original('time', 'sleep')


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / 'db').mkdir()
    write_file(tmp_path / 'secret.db', [], identity('secret'))
    return tmp_path / 'db'


@pytest.fixture
def live(folder: Path) -> sqlite3.Connection:
    (folder / 'w1-live.db').symlink_to(LIVE)
    write_file(folder / OLD, [row('consumed', NOW), row('consumed', NOW + 9)], identity('w1'))
    said = identity('w1', started_at=time.time())
    with open_file(folder / LIVE, [row('consumed', NOW + 10)], said) as connection:
        yield connection


def count(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute('SELECT count(*) FROM events').fetchone()[0])


def test_without_a_folder_there_are_none(tmp_path):
    assert Databases('').find() == []
    assert Databases(tmp_path / 'missing').find() == []
    with pytest.raises(NoSuchDatabaseError):
        Databases('').path(LIVE)


def test_the_newest_first_with_what_is_in_them(folder, live):
    first, second = Databases(folder).find()
    assert (first.name, first.live, first.events, first.start) == (LIVE, True, 1, NOW + 10)
    assert (second.name, second.live, second.events) == (OLD, False, 2)
    assert (second.start, second.end) == (NOW, NOW + 9)
    assert (second.worker, second.cluster, second.problem) == ('w1', 'main', '')
    assert second.size == (folder / OLD).stat().st_size
    assert first.size == sum((folder / name).stat().st_size for name in (LIVE, f'{LIVE}-wal'))


def test_a_merged_file_names_its_workers(folder, live):
    merge([folder / OLD, folder / LIVE], folder / 'merged-2025-01-03__00_00_00.db')
    file = next(f for f in Databases(folder).find() if f.merged)
    assert (file.worker, file.events, file.live) == ('w1', 3, False)


def test_what_changed_is_read_again_and_only_that(folder, live, monkeypatch):
    databases = Databases(folder)
    databases.find()
    described = []
    real = module._described
    monkeypatch.setattr(
        module, '_described', lambda path, *at: described.append(path.name) or real(path, *at)
    )
    databases.find()
    assert described == []
    live.execute("INSERT INTO events (ts, event) VALUES (?, 'consumed')", (NOW + 11,))
    live.commit()
    assert databases.find()[0].events == 2
    assert described == [LIVE]
    (folder / OLD).unlink()
    assert [file.name for file in databases.find()] == [LIVE]


def test_a_broken_file_is_listed_with_its_problem(folder, live):
    (folder / 'w9-2025-01-01__00_00_00.db').write_text('nonsense')
    files = {file.name: file for file in Databases(folder).find()}
    assert len(files) == 3
    broken = files['w9-2025-01-01__00_00_00.db']
    assert broken.problem == 'w9-2025-01-01__00_00_00.db: is no SQLite database'


def test_files_that_are_none_of_the_recorder_are_not_listed(folder):
    for name in ('.hidden.db', 'notes.txt', 'x.db-wal', 'new\nline.db'):
        (folder / name).write_text('')
    (folder / 'folder.db').mkdir()
    (folder / 'link.db').symlink_to(OUTSIDE)
    assert Databases(folder).find() == []


@pytest.mark.parametrize(
    'name',
    [
        OUTSIDE,
        '/etc/passwd',
        '',
        '.',
        '..',
        'db',
        '.hidden.db',
        'missing.db',
        'link.db',
        'two.db',
        'folder.db',
        'sub/inner.db',
        'sub\\inner.db',
        'nul\0.db',
        '%2e%2e%2fsecret.db',
        'loop.db',
        'x' * 5000 + '.db',
    ],
)
def test_only_plain_names_of_files_in_the_folder_are_given(name, folder):
    (folder / '.hidden.db').write_text('')
    (folder / 'link.db').symlink_to(OUTSIDE)
    (folder / 'two.db').symlink_to('link.db')
    (folder / 'loop.db').symlink_to('loop.db')
    (folder / 'folder.db').mkdir()
    (folder / 'sub').mkdir()
    (folder / 'sub' / 'inner.db').write_text('')
    with pytest.raises(NoSuchDatabaseError):
        Databases(folder).path(name)


@given(st.text())
def test_no_name_leads_out(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp('db')
    with pytest.raises(NoSuchDatabaseError):
        Databases(folder).path(name)


def test_the_link_to_the_live_file_is_a_name_of_it(folder, live):
    assert Databases(folder).path('w1-live.db') == folder / LIVE


def test_a_closed_file_is_given_as_it_is(folder, live):
    assert Databases(folder).export(OLD, 10**9) == (folder / OLD, False)


def test_a_live_file_is_copied_with_what_is_in_its_log(folder, live):
    path, temporary = Databases(folder).export(LIVE, 10**9)
    try:
        assert temporary
        live.execute("INSERT INTO events (ts, event) VALUES (1, 'later')")
        live.commit()
        assert count(path) == 1
        assert path.read_bytes()[18:20] == b'\1\1'  # no write-ahead log: it opens anywhere
    finally:
        path.unlink()


def test_a_copy_that_fails_leaves_nothing(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    (folder / 'bad.db').write_text('nonsense')
    (folder / 'bad.db-wal').write_text('')
    before = os.listdir(tmp_path)
    with pytest.raises(UnreadableError):
        Databases(folder).export('bad.db', 10**9)
    assert os.listdir(tmp_path) == before


class Slow:
    """Makes copies when it is told to, as a slow disk does. `begun` of them are under way."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = 0
        self.go = False
        real = copies.snapshot

        def snapshot(path: Path, target: Path) -> None:
            self.begun += 1
            while not self.go:
                native_sleep(0.005)
            target.unlink(missing_ok=True)  # and so late that the file is made anew
            real(path, target)
            self.begun -= 1

        monkeypatch.setattr(copies, 'snapshot', snapshot)


def test_a_copy_that_nobody_waits_for_any_more_leaves_nothing(folder, live, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    before = os.listdir(tmp_path)
    slow = Slow(monkeypatch)
    download = gevent.spawn(Databases(folder).export, LIVE, 10**9)
    until(lambda: slow.begun == 1)
    download.kill()
    slow.go = True
    until(lambda: slow.begun == 0)
    until(lambda: os.listdir(tmp_path) == before)


def test_copies_keep_no_more_than_one_thread_from_others(folder, live, monkeypatch):
    monkeypatch.setattr(copies, 'PATIENCE_SECONDS', 0.05)
    slow = Slow(monkeypatch)
    databases = Databases(folder)
    first = gevent.spawn(databases.export, LIVE, 10**9)
    until(lambda: slow.begun == 1)
    with pytest.raises(CopyingError, match='try again later'):
        databases.export(LIVE, 10**9)
    assert len(databases.find()) == 2
    slow.go = True
    first.get(timeout=10).path.unlink()
    databases.export(LIVE, 10**9).path.unlink()


def test_a_copy_must_fit_where_copies_are_made(folder, live, monkeypatch):
    usage = type(shutil.disk_usage('/'))
    monkeypatch.setattr(shutil, 'disk_usage', lambda _folder: usage(10, 10, 0))
    with pytest.raises(TooLargeError, match='0 are free'):
        Databases(folder).export(LIVE, 10**9)


def test_a_copy_is_bounded(folder, live):
    with pytest.raises(TooLargeError, match='more than the 10 allowed'):
        Databases(folder).export(OLD, 10)
