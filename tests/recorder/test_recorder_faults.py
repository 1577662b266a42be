"""What is done to the recorder's disk and files: nothing ends by it, or is lost in silence."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
import structlog.testing

from drakkar.errors import ConfigError
from drakkar.recorder import Recorder, RecorderSettings
from tests.recorder.disks import fill, small_disk
from tests.recorder.recording import (
    Told,
    all_offsets,
    databases,
    make,
    note,
    offsets,
    recording,
)
from tests.waiting import until


@pytest.fixture
def told() -> Told:
    return Told()


def flush(recorder: Recorder) -> None:
    """Write now, whatever the pause after the last failure."""
    recorder._writer._retry_at = 0.0
    recorder.flush()


def test_a_full_disk_costs_nothing_while_the_buffer_lasts(tmp_path: Path, told: Told) -> None:
    with small_disk(tmp_path / 'disk', 1024) as disk, recording(disk, told) as recorder:
        note(recorder, 10)
        recorder.flush()
        ballast = fill(disk)
        with structlog.testing.capture_logs() as logs:
            for number in range(1, 4):
                note(recorder, 1000, first=number * 1000)
                flush(recorder)
            state = recorder.state
            assert 'space' in state.problem or 'full' in state.problem
            assert state.problem_since is not None
            assert (state.buffered, state.dropped) == (3000, 0)
            assert len(told.retried) == 3
            assert len(databases(disk)) == 1  # no husks of files that could not be made
            ballast.unlink()
            flush(recorder)
        assert (recorder.state.problem, recorder.state.buffered) == ('', 0)
        assert [entry['event'] for entry in logs] == [
            'recorder_can_not_write',
            'recorder_writes_again',
        ]
        assert sorted(all_offsets(disk)) == [*range(10), *range(1000, 4000)]
        assert told.dropped == {}


def test_what_a_full_disk_costs_beyond_the_buffer_is_counted(tmp_path: Path, told: Told) -> None:
    disk = small_disk(tmp_path / 'disk', 512)
    with disk as folder, recording(folder, told, max_buffer=1000) as recorder:
        recorder.flush()
        ballast = fill(folder)
        for number in range(5):
            note(recorder, 400, first=number * 400)
            flush(recorder)
        assert recorder.state.buffered == 1000
        assert told.dropped == {'buffer_full': 1000}
        ballast.unlink()
        flush(recorder)
        assert sorted(all_offsets(folder)) == list(range(1000, 2000))
        assert recorder.state.written + recorder.state.dropped == 2000


def test_a_limit_of_the_process_is_a_full_disk_too(tmp_path: Path, told: Told) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with recording(tmp_path, told) as recorder:
            recorder.flush()
            resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, before[1]))
            note(recorder, 3000)
            recorder.flush()
            assert recorder.state.problem
            assert recorder.state.buffered == 3000
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            flush(recorder)
            assert recorder.state.problem == ''
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, heard)
    assert sorted(all_offsets(tmp_path)) == list(range(3000))


def test_a_read_only_folder_at_the_start_is_no_end(tmp_path: Path, told: Told) -> None:
    with small_disk(tmp_path / 'disk', 1024) as disk:
        subprocess.run(['mount', '-o', 'remount,ro', str(disk)], check=True)
        with recording(disk / 'db', told) as recorder:
            note(recorder, 5)
            recorder.flush()
            assert 'Read-only' in recorder.state.problem
            assert (recorder.path, recorder.state.buffered) == (None, 5)
            subprocess.run(['mount', '-o', 'remount,rw', str(disk)], check=True)
            flush(recorder)
            assert (recorder.state.problem, recorder.state.written) == ('', 5)


@pytest.mark.parametrize('how', ['deleted', 'moved', 'folder deleted', 'replaced'])
def test_a_live_file_that_is_taken_away_is_followed_by_another(
    tmp_path: Path, told: Told, how: str
) -> None:
    folder = tmp_path / 'db'
    with recording(folder, told) as recorder:
        note(recorder, 5)
        recorder.flush()
        path = recorder.path
        assert path is not None
        if how == 'moved':
            path.rename(tmp_path / 'elsewhere.db')
        elif how == 'folder deleted':
            shutil.rmtree(folder)
        else:
            path.unlink()
        if how == 'replaced':
            path.write_bytes(b'')
        note(recorder, 5, first=5)
        recorder.flush()
        assert path.name in recorder.state.problem
        flush(recorder)
        assert recorder.state.problem == ''
        assert recorder.path is not None
        assert offsets(recorder.path) == [5, 6, 7, 8, 9]
        assert (folder / 'w1-live.db').resolve() == recorder.path
        assert told.dropped == {}


@pytest.mark.parametrize('size', [100, 4096, 0])
def test_a_file_that_is_overwritten_is_left_and_another_begun(
    tmp_path: Path, told: Told, size: int
) -> None:
    with recording(tmp_path, told) as recorder:
        note(recorder, 5)
        recorder.flush()
        damaged = recorder.path
        assert damaged is not None
        if size:
            with damaged.open('r+b') as file:
                file.write(b'\xff' * size)
        else:
            os.truncate(damaged, 0)
        note(recorder, 5, first=5)
        recorder.flush()
        assert 'overwritten' in recorder.state.problem
        flush(recorder)
        assert recorder.path not in (None, damaged)
        assert recorder.path is not None
        assert offsets(recorder.path) == [5, 6, 7, 8, 9]
        assert recorder.state.dropped == 0


def test_a_file_that_others_lock_for_long_is_left_for_a_new_one(tmp_path: Path, told: Told) -> None:
    with recording(tmp_path, told) as recorder:
        note(recorder, 5)
        recorder.flush()
        locked = recorder.path
        assert locked is not None
        with closing(sqlite3.connect(locked, isolation_level=None)) as other:
            other.execute('BEGIN IMMEDIATE')
            note(recorder, 5, first=5)
            recorder.flush()
            assert 'lock' in recorder.state.problem
            flush(recorder)
            assert recorder.state.problem == ''
            assert recorder.path != locked
            assert recorder.path is not None
            assert offsets(recorder.path) == [5, 6, 7, 8, 9]
        assert offsets(locked) == [0, 1, 2, 3, 4]


def test_a_failed_rotation_goes_on_in_the_old_file(tmp_path: Path, told: Told) -> None:
    with recording(tmp_path, told, retention_events=40) as recorder:
        note(recorder, 10)
        recorder.flush()
        before = recorder.path
        # The name of its next lock is taken: no new file can be made here.
        (tmp_path / 'w1.lock').unlink()
        (tmp_path / 'w1.lock').mkdir()
        with structlog.testing.capture_logs() as logs:
            for number in range(1, 4):
                note(recorder, 10, first=number * 10)
                recorder.flush()
        assert [entry['event'] for entry in logs] == ['recorder_rotation_failed']
        assert recorder.path == before
        assert (recorder.state.problem, recorder.state.written) == ('', 40)


def test_it_is_tried_again_without_being_asked_for(tmp_path: Path, told: Told) -> None:
    folder = tmp_path / 'db'
    folder.write_text('in the way')
    recorder = make(folder, told, flush_seconds=0.02)
    recorder.start()
    note(recorder, 5)
    until(lambda: len(told.retried) >= 2)
    folder.unlink()
    until(lambda: recorder.state.written == 5)
    recorder.stop()
    assert all_offsets(folder) == [0, 1, 2, 3, 4]


def test_attempts_become_rare_while_nothing_works(tmp_path: Path, told: Told) -> None:
    folder = tmp_path / 'db'
    folder.write_text('in the way')
    with recording(folder, told) as recorder:
        for _ in range(5):
            note(recorder, 1)
            recorder.flush()
        assert len(told.retried) == 1
        assert recorder.state.buffered == 5


def test_what_can_not_be_written_at_the_end_is_counted(tmp_path: Path, told: Told) -> None:
    folder = tmp_path / 'db'
    folder.write_text('in the way')
    with structlog.testing.capture_logs() as logs, recording(folder, told) as recorder:
        note(recorder, 7)
    assert told.dropped == {'closing': 7}
    assert (recorder.state.dropped, recorder.state.buffered) == (7, 0)
    assert [e['event'] for e in logs] == ['recorder_can_not_write', 'recorder_events_lost']


def test_a_folder_that_is_none_is_refused_with_the_option_s_name(tmp_path: Path) -> None:
    path = tmp_path / 'file'
    path.touch()

    class Debug:
        db_dir = str(path)

    with pytest.raises(ConfigError, match=r'\[debug\] db_dir = .*file: is no folder'):
        RecorderSettings.of(Debug)


def test_a_database_that_is_read_meanwhile_is_written_all_the_same(
    tmp_path: Path, told: Told
) -> None:
    with recording(tmp_path, told) as recorder:
        note(recorder, 5)
        recorder.flush()
        assert recorder.path is not None
        with closing(sqlite3.connect(recorder.path, isolation_level=None)) as reader:
            reader.execute('BEGIN')
            assert reader.execute('SELECT count(*) FROM events').fetchone() == (5,)
            note(recorder, 5)
            recorder.flush()
            assert recorder.state.problem == ''
            assert reader.execute('SELECT count(*) FROM events').fetchone() == (5,)
    assert told.retried == []
