"""Merges beside one another, and what stands in their way: a name of its own each, or nothing."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gevent.threadpool import ThreadPool

from drakkar.recorder import merge as module
from drakkar.recorder import unfinished
from drakkar.recorder.databases import Databases
from drakkar.recorder.merge import Merged, MergeError, merge
from tests.recorder.disks import fill, small_disk
from tests.recorder.files import NOW, identity, row, write_file
from tests.recorder.recording import Told, recording

EVENTS = 300
LEFT = ['.merge-0123456789abcdef.part', '.merge-0123456789abcdef.stage']
OTHERS = ['.merge-0123456789abcdef.txt', '.merge-x.part', '.w1-live.7']


def make_source(folder: Path, worker: str = 'w1') -> Path:
    rows = [row('consumed', NOW + n, offset=n, stdout='x' * 400) for n in range(EVENTS)]
    return write_file(folder / f'{worker}.db', rows, identity(worker))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_source(tmp_path)


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, 'default_name', lambda: 'merged-NOW.db')


def at_once(count: int, work: Callable[[], Merged]) -> list[Merged | MergeError]:
    def caught() -> Merged | MergeError:
        try:
            return work()
        except MergeError as error:
            return error

    pool = ThreadPool(count)
    try:
        return [task.get(timeout=20) for task in [pool.spawn(caught) for _ in range(count)]]
    finally:
        pool.kill()


def hidden(folder: Path) -> list[str]:
    return sorted(name for name in os.listdir(folder) if name.startswith('.merge-'))


def test_merges_of_one_moment_get_a_name_each(tmp_path: Path, source: Path) -> None:
    folder = tmp_path / 'out'
    folder.mkdir()
    done: list[Any] = []
    for _ in range(3):
        done += at_once(4, lambda: merge([source], folder))
    wanted = ['merged-NOW.db', *(f'merged-NOW_{n}.db' for n in range(2, 13))]
    assert sorted(each.path.name for each in done) == sorted(wanted)
    assert sorted(os.listdir(folder)) == sorted(wanted)
    assert {(f.events, f.problem) for f in Databases(folder).look()} == {(EVENTS, '')}


@pytest.mark.parametrize('links', [True, False])
def test_of_merges_to_one_name_one_gets_it(
    tmp_path: Path, source: Path, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:
        refuse_links(monkeypatch)
    for number in range(3):
        target = tmp_path / f'out-{number}.db'
        done = at_once(4, lambda target=target: merge([source], target))  # type: ignore[misc]
        told = sorted(str(each) for each in done if isinstance(each, MergeError))
        assert told == [f'{target} exists already; a merge overwrites nothing'] * 3
        assert hidden(tmp_path) == []


def test_a_name_is_given_by_no_look_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part, taken = tmp_path / 'part', tmp_path / 'taken.db'
    part.write_text('new')
    taken.write_text('old')
    monkeypatch.setattr(unfinished.os.path, 'lexists', lambda _: False)  # the look was too early
    monkeypatch.setattr(Path, 'exists', lambda _: False)
    with pytest.raises(FileExistsError):
        unfinished.publish(part, [taken])
    assert taken.read_text() == 'old'


def test_without_links_one_looks_for_a_name_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_links(monkeypatch)
    part = tmp_path / 'part'
    part.write_text('new')
    other = os.open(tmp_path, os.O_RDONLY)

    def look(path: Path) -> bool:
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return path.name == 'first.db'

    monkeypatch.setattr(unfinished.os.path, 'lexists', look)
    names = [tmp_path / name for name in ('first.db', 'second.db')]
    assert unfinished.publish(part, names) == names[1]
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)  # given back
    os.close(other)
    assert os.listdir(tmp_path) == ['second.db']


def refuse_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def link(part: Path, name: Path) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(unfinished.os, 'link', link)


def test_a_name_that_is_taken_at_the_last_moment_is_not_replaced(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / 'out.db'
    monkeypatch.setattr(module, '_sync', lambda _: target.write_text('mine'))
    with pytest.raises(MergeError, match='exists already'):
        merge([source], target)
    assert target.read_text() == 'mine'
    assert hidden(tmp_path) == []


def test_what_is_under_way_is_neither_listed_nor_swept(tmp_path: Path, source: Path) -> None:
    seen: list[list[str]] = []

    def look(done: int, total: int) -> None:
        unfinished.sweep(tmp_path)
        merge([source], tmp_path / f'inner-{len(seen)}.db')
        seen.append([file.name for file in Databases(tmp_path).look() if 'inner' not in file.name])

    assert merge([source], tmp_path / 'out.db', progress=look).events == EVENTS
    assert seen
    assert all(names == ['w1.db'] for names in seen)


@pytest.mark.parametrize('by', ['merge', 'worker'])
def test_what_a_killed_merge_left_goes_with_whoever_comes_next(
    tmp_path: Path, source: Path, by: str
) -> None:
    for name in (*LEFT, *OTHERS, '.merge-aaaaaaaaaaaaaaaa.stage'):
        (tmp_path / name).write_text('')
    if by == 'merge':
        merge([source], tmp_path / 'out.db')
    else:
        with recording(tmp_path, Told()) as recorder:
            recorder.flush()
    assert hidden(tmp_path) == sorted(OTHERS[:2])
    assert (tmp_path / OTHERS[2]).exists()


def test_a_part_that_was_swept_before_it_was_locked_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, swept = unfinished.fcntl.flock, list[list[str]]()

    def late(descriptor: int, how: int) -> None:
        if not swept:
            swept.append(os.listdir(tmp_path))
            os.unlink(tmp_path / swept[0][0])
        original(descriptor, how)

    monkeypatch.setattr(unfinished.fcntl, 'flock', late)
    with unfinished.unfinished(tmp_path) as (part, _):
        assert [part.name] == os.listdir(tmp_path)
        assert [part.name] != swept[0]


def test_a_full_disk_is_told_as_that_and_leaves_nothing(tmp_path: Path, source: Path) -> None:
    with small_disk(tmp_path / 'disk', 64) as disk:
        for skip_broken in (False, True):
            with pytest.raises(MergeError) as caught:
                merge([source], disk / 'out.db', skip_broken=skip_broken)
            assert str(caught.value).startswith(f'{disk / "out.db"}: no space left')
            assert '\n' not in str(caught.value)
        assert os.listdir(disk) == []
        ballast = fill(disk)
        with pytest.raises(MergeError, match=r'^[^\n]*: [Nn]o space left[^\n]*$'):
            merge([source], disk)
        assert os.listdir(disk) == [ballast.name]


def test_a_folder_that_can_not_be_written_is_told(tmp_path: Path, source: Path) -> None:
    with small_disk(tmp_path / 'disk', 1024) as disk:
        own = make_source(disk, 'w2')
        before = own.read_bytes()
        subprocess.run(['mount', '-o', 'remount,ro', str(disk)], check=True)
        with pytest.raises(MergeError) as caught:
            merge([own, source], disk)
        assert str(caught.value) == f'{disk}: Read-only file system'
        assert merge([own, source], tmp_path / 'out.db').events == 2 * EVENTS
        assert (own.read_bytes(), os.listdir(disk)) == (before, ['w2.db'])


def test_a_source_that_goes_while_it_is_merged_is_told_or_skipped(
    tmp_path: Path, source: Path
) -> None:
    other = make_source(tmp_path, 'w2')

    def remove(done: int, total: int) -> None:
        other.unlink(missing_ok=True)  # it comes second

    with pytest.raises(MergeError, match=r'^w2.db: there is no such file$'):
        merge([source, other], tmp_path / 'out.db', progress=remove)
    assert os.listdir(tmp_path) == ['w1.db']
    make_source(tmp_path, 'w2')
    done = merge([source, other], tmp_path / 'out.db', progress=remove, skip_broken=True)
    assert (done.events, done.workers) == (EVENTS, ['w1'])
    assert done.skipped == {'w2.db': 'w2.db: there is no such file'}


@pytest.mark.parametrize('size', [0, 100, 4096, 40_000])
def test_a_truncated_source_is_named_and_nothing_is_written(
    tmp_path: Path, source: Path, size: int
) -> None:
    torn = make_source(tmp_path, 'torn')
    os.truncate(torn, size)
    with pytest.raises(MergeError, match=r'^torn.db: is [^\n]*$'):
        merge([source, torn], tmp_path)
    assert sorted(os.listdir(tmp_path)) == ['torn.db', 'w1.db']
    assert merge([source, torn], tmp_path, skip_broken=True).events == EVENTS


def test_a_folder_with_a_strange_name(tmp_path: Path, source: Path) -> None:
    folder = tmp_path / 'a?b%20#c'
    folder.mkdir()
    assert merge([source], folder).path == folder / 'merged-NOW.db'
    assert os.listdir(folder) == ['merged-NOW.db']
