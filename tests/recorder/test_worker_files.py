from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drakkar.filenames import safe_name
from drakkar.recorder.files import NewFile, WorkerFiles

NOON = datetime(2026, 3, 1, 12, 0, 5, tzinfo=timezone.utc).timestamp()


@pytest.fixture
def files(tmp_path: Path) -> Iterator[WorkerFiles]:
    files = WorkerFiles(tmp_path / 'deep' / 'db', 'w1', lambda: NOON)
    yield files
    files.clear_link()


def make(files: WorkerFiles, events: int = 0, age: float = 0.0) -> Path:
    """A closed file with so many events, that ended so many seconds ago."""
    new = files.create()
    new.close()
    with closing(sqlite3.connect(new.path)) as connection:
        connection.execute('CREATE TABLE events (id INTEGER PRIMARY KEY)')
        connection.executemany('INSERT INTO events VALUES (?)', [(n + 1,) for n in range(events)])
        connection.commit()
    os.utime(new.path, (NOON - age, NOON - age))
    return new.path


def create(files: WorkerFiles) -> Path:
    new: NewFile = files.create()
    new.close()
    return new.path


def names(files: WorkerFiles) -> set[str]:
    return {p.name for p in files.folder.iterdir() if p.suffix == '.db'}


def test_names_tell_worker_and_time_and_the_folder_is_made(files: WorkerFiles) -> None:
    assert create(files) == files.folder / 'w1-2026-03-01__12_00_05.db'


def test_files_of_one_second_get_names_of_their_own(files: WorkerFiles) -> None:
    made = [create(files).name for _ in range(3)]
    assert made == [f'w1-2026-03-01__12_00_05{n}.db' for n in ('', '_2', '_3')]


def test_the_link_names_the_current_file_and_is_replaced(files: WorkerFiles) -> None:
    for _ in range(2):
        path = create(files)
        files.point_to(path)
        assert os.readlink(files.folder / 'w1-live.db') == path.name
    files.clear_link()
    assert not files.link.is_symlink()


def test_a_link_to_nothing_that_a_killed_worker_left_is_replaced(files: WorkerFiles) -> None:
    path = create(files)
    files.link.symlink_to('gone.db')
    files.point_to(path)
    assert files.link.resolve() == path


@pytest.mark.parametrize(
    ('worker', 'name'),
    [
        ('worker-1', 'worker-1'),
        ('a/b', 'a%2Fb'),
        ('../../etc/x', '%2E.%2F..%2Fetc%2Fx'),
        ('', '%'),
        ('-rf', '%2Drf'),
        ('w*[1]?', 'w%2A%5B1%5D%3F'),
        ('w~1', 'w%7E1'),
        ('line\nbreak', 'line%0Abreak'),
        ('größe', 'gr%C3%B6%C3%9Fe'),
    ],
)
def test_odd_workers_get_plain_names(worker: str, name: str) -> None:
    assert safe_name(worker) == name


@given(st.text(max_size=300), st.text(max_size=300))
def test_names_are_files_names_and_differ_where_workers_do(one: str, other: str) -> None:
    for worker in (one, other):
        name = safe_name(worker)
        assert '/' not in name
        assert '\0' not in name
        assert len(name.encode()) <= 150
        assert name not in ('', '.', '..')
    assert (safe_name(one) == safe_name(other)) == (one == other)


def test_files_that_ended_long_ago_are_deleted_with_what_belongs_to_them(
    files: WorkerFiles,
) -> None:
    old, young = make(files, age=7200), make(files, age=60)
    old.with_name(old.name + '-wal').touch()
    os.utime(old.with_name(old.name + '-wal'), (NOON - 7200, NOON - 7200))
    current = create(files)
    os.utime(current, (0, 0))  # a clock that was set: it is written to all the same
    assert files.expire(current, 3600, 0) == [old.name]
    assert {p.name for p in files.folder.iterdir()} == {young.name, current.name, 'w1.lock'}


def test_the_oldest_files_go_when_there_are_too_many_events(files: WorkerFiles) -> None:
    made = [make(files, events=30, age=100 - n) for n in range(5)]
    current = create(files)
    deleted = files.expire(current, 0, 100)
    assert sorted(deleted) == sorted(p.name for p in made[:3])
    assert names(files) == {made[3].name, made[4].name, current.name}


def test_without_limits_everything_stays(files: WorkerFiles) -> None:
    made = [make(files, events=1000, age=10**9) for _ in range(3)]
    assert files.expire(create(files), 0, 0) == []
    assert names(files) >= {p.name for p in made}


def test_nothing_but_the_workers_own_files_is_ever_deleted(files: WorkerFiles) -> None:
    current = create(files)
    others = [
        'w10-2026-01-01__00_00_00.db',
        'w1-2026-01-01__00_00_00-2026-01-01__00_00_00.db',
        'xw1-2026-01-01__00_00_00.db',
        'w1-2026-01-01__00_00_00.db.bak',
        'w1-2026-01-01__00_00_00.sqlite',
        'w1-notes.db',
        'merged-2026-01-01__00_00_00.db',
        'w1-cache.db',
    ]
    for name in others:
        (files.folder / name).touch()
        os.utime(files.folder / name, (0, 0))
    (files.folder / 'w1-2026-01-01__00_00_01.db').symlink_to(files.folder / others[0])
    assert files.expire(current, 1, 1) == []
    assert names(files) >= {n for n in others if n.endswith('.db')}


def test_the_second_worker_of_a_name_takes_nothing_from_the_first(files: WorkerFiles) -> None:
    older, first = make(files, age=10**6), make(files, age=10**6)
    files.point_to(first)
    twin = WorkerFiles(files.folder, 'w1', lambda: NOON)
    path = create(twin)
    assert twin.has_twin
    assert path.name.startswith(f'w1~{os.getpid()}-2026')
    twin.point_to(path)
    assert files.link.resolve() == first
    assert twin.expire(path, 1, 1) == []
    os.utime(path, (0, 0))
    assert files.expire(first, 1, 1) == [older.name]  # a link says that the other is in use
    twin.clear_link()
    assert files.expire(first, 1, 0) == [path.name]


def test_the_name_is_free_again_when_its_worker_is_gone(files: WorkerFiles) -> None:
    create(files)
    twin = WorkerFiles(files.folder, 'w1', lambda: NOON)
    create(twin)
    files.clear_link()
    assert not create(twin).name.startswith('w1~')
    twin.clear_link()


def test_a_folder_that_was_emptied_gives_no_name_to_two(files: WorkerFiles) -> None:
    create(files)
    (files.folder / 'w1.lock').unlink()
    twin = WorkerFiles(files.folder, 'w1', lambda: NOON)
    create(twin)
    create(files)
    assert (twin.has_twin, files.has_twin) == (False, True)
    twin.clear_link()
