"""Merging recorder files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drakkar.readonly import reading
from drakkar.recorder import merge as module
from drakkar.recorder import queries
from drakkar.recorder.merge import MergeError, default_name, merge
from tests.recorder.files import NOW, identity, open_file, row, write_file


def file(folder: Path, worker: str, times: list[float], **config: Any) -> Path:
    name = f'{worker}-{len(os.listdir(folder))}.db'
    rows = [row('consumed', NOW + ts, partition=1, offset=n) for n, ts in enumerate(times)]
    return write_file(folder / name, rows, identity(worker, **config))


def read(path: Path) -> list[dict[str, Any]]:
    with reading(path) as connection:
        return queries.events_page(connection, queries.EventFilter(), limit=5000)['events'][::-1]


def keys(path: Path) -> list[tuple[str, float, int]]:
    return [(event['worker'], event['ts'] - NOW, event['offset']) for event in read(path)]


def test_rows_of_all_files_in_order_of_time_with_their_worker(tmp_path):
    result = merge(
        [file(tmp_path, 'w1', [1, 3, 5]), file(tmp_path, 'w2', [2, 4])], tmp_path / 'out.db'
    )
    assert keys(result.path) == [
        ('w1', 1, 0),
        ('w2', 2, 0),
        ('w1', 3, 1),
        ('w2', 4, 1),
        ('w1', 5, 2),
    ]
    assert (result.files, result.events, result.duplicates) == (2, 5, 0)
    assert result.workers == ['w1', 'w2']


def test_nothing_but_the_result_is_left(tmp_path):
    source = file(tmp_path, 'w1', [1])
    merge([source], tmp_path / 'out.db')
    assert sorted(os.listdir(tmp_path)) == ['out.db', source.name]


def test_what_was_merged_before_is_merged_once(tmp_path):
    one, two = file(tmp_path, 'w1', [1, 1, 2]), file(tmp_path, 'w2', [1])
    first = merge([one, two], tmp_path / 'first.db')
    again = merge([first.path, one, one, two, first.path], tmp_path / 'again.db')
    assert (again.files, again.events, again.duplicates) == (3, 4, 4)
    assert keys(again.path) == keys(first.path)
    assert [event['id'] for event in read(again.path)] == [1, 2, 3, 4]


def test_equal_rows_of_one_file_and_of_two_workers_all_stay(tmp_path):
    files = [file(tmp_path, worker, [1, 1]) for worker in ('w1', 'w2')]
    assert merge(files, tmp_path / 'out.db').events == 4


def test_what_each_worker_said_of_itself_is_kept(tmp_path):
    old = file(tmp_path, 'w1', [1], started_at=NOW, cluster_name='old')
    new = file(tmp_path, 'w1', [9], started_at=NOW + 9, cluster_name='new')
    other = file(tmp_path, 'w2', [1], cluster_name='other')
    first = merge([new, other, old], tmp_path / 'first.db')
    for path in (first.path, merge([first.path], tmp_path / 'again.db').path):
        with reading(path) as connection:
            assert queries.workers(connection) == ['w1', 'w2']
            assert queries.worker_config(connection, 'w1')['cluster_name'] == 'new'
            assert queries.worker_config(connection, 'w2')['cluster_name'] == 'other'
            assert queries.worker_config(connection)['merged'] is True
            assert queries.time_range(connection)['to'] == NOW + 9


def test_a_file_is_merged_while_it_is_written(tmp_path):
    path = tmp_path / 'live.db'
    with open_file(path, [row('consumed', partition=1)]):
        assert merge([path], tmp_path / 'out.db').events == 1


def test_a_merged_file_is_found_by_its_indexes(tmp_path):
    path = merge([file(tmp_path, 'w1', [1])], tmp_path / 'out.db').path
    with reading(path) as connection:
        names = {r['name'] for r in connection.execute('SELECT name FROM sqlite_master')}
    assert {'mergedevent_partition_offset', 'mergedevent_task_id'} <= names


def test_progress_rises_to_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(module, '_CHUNK_ROWS', 2)
    heard: list[tuple[int, int]] = []
    files = [file(tmp_path, 'w1', [1, 2, 3]), file(tmp_path, 'w2', [4, 5])]
    merge([*files, files[0]], tmp_path / 'out.db', progress=lambda *at: heard.append(at))
    done = [at for at, _ in heard]
    assert done == sorted(done)
    assert {total for _, total in heard} == {10}
    assert done[-1] == 10
    assert len(done) > 5


def test_a_merge_that_is_ended_leaves_nothing(tmp_path):
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    source = file(tmp_path, 'w1', [1])
    with pytest.raises(KeyboardInterrupt):
        merge([source], tmp_path / 'out.db', progress=stop)
    assert os.listdir(tmp_path) == [source.name]


def test_nothing_is_overwritten(tmp_path):
    source = file(tmp_path, 'w1', [1])
    with pytest.raises(MergeError, match='exists already'):
        merge([source], source)
    (tmp_path / 'dangling.db').symlink_to('gone')
    with pytest.raises(MergeError, match='exists already'):
        merge([source], tmp_path / 'dangling.db')
    with pytest.raises(MergeError, match='is no folder'):
        merge([source], tmp_path / 'missing' / 'out.db')


def test_every_broken_file_is_named_and_nothing_written(tmp_path):
    good = file(tmp_path, 'w1', [1])
    (tmp_path / 'text.db').write_text('hello')
    newer = file(tmp_path, 'w2', [1], format=99)
    nameless = write_file(tmp_path / 'nameless.db', [], {})
    broken = [tmp_path / 'text.db', newer, tmp_path / 'missing.db', nameless]
    with pytest.raises(MergeError) as caught:
        merge([good, *broken], tmp_path / 'out.db')
    assert str(caught.value).splitlines() == [
        'text.db: is no SQLite database',
        f'{newer.name}: was written by a newer version of Drakkar',
        'missing.db: there is no such file',
        'nameless.db: does not say which worker wrote it',
    ]
    assert not (tmp_path / 'out.db').exists()
    result = merge([good, *broken], tmp_path / 'out.db', skip_broken=True)
    assert (result.events, len(result.skipped)) == (1, 4)
    with pytest.raises(MergeError):
        merge(broken, tmp_path / 'out2.db', skip_broken=True)


def test_a_file_that_breaks_in_the_middle_is_named(tmp_path):
    rows = [row('consumed', NOW + n, stdout='x' * 500) for n in range(500)]
    path = write_file(tmp_path / 'torn.db', rows, identity())
    data = bytearray(path.read_bytes())
    middle = len(data) // 8192 * 4096
    data[middle : middle + 40960] = b'\xff' * 40960
    path.write_bytes(data)
    for skip_broken in (False, True):
        with pytest.raises(MergeError, match=r'^torn.db: is damaged \(.*malformed'):
            merge([path], tmp_path / 'out.db', skip_broken=skip_broken)
    assert os.listdir(tmp_path) == ['torn.db']
    good = file(tmp_path, 'w2', [1, 2])
    done = merge([path, good], tmp_path / 'out.db', skip_broken=True)
    assert (done.files, done.events, done.workers, list(done.skipped)) == (
        1,
        2,
        ['w2'],
        ['torn.db'],
    )
    assert keys(done.path) == [('w2', 1, 0), ('w2', 2, 1)]


def test_there_must_be_something_to_merge(tmp_path):
    with pytest.raises(MergeError, match='nothing to merge'):
        merge([], tmp_path / 'out.db')


def test_the_default_name_says_when():
    assert default_name(0) == 'merged-1970-01-01__00_00_00.db'


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(st.sampled_from(['a', 'b']), st.lists(st.integers(-3, 3), max_size=6)),
        min_size=1,
        max_size=4,
    ),
    st.integers(1, 4),
)
def test_any_files_in_any_chunks(tmp_path_factory, files, chunk):
    folder = tmp_path_factory.mktemp('merge')
    paths = [file(folder, worker, list(map(float, times))) for worker, times in files]
    expected = sorted({(ts, worker, n) for worker, times in files for n, ts in enumerate(times)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, '_CHUNK_ROWS', chunk)
        found = keys(merge(paths, folder / 'out.db').path)
    assert [(ts, worker, n) for worker, ts, n in found] == expected
