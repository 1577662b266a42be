from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import gevent
import pytest

from drakkar.errors import DrakkarError
from drakkar.models.snapshot import WorkerSnapshot
from drakkar.readonly import OutOfTimeError
from drakkar.recorder import buffer as buffer_module
from drakkar.recorder import filestore, stores
from drakkar.recorder.buffer import Backlog, Buffer
from drakkar.sqlite import DatabaseError
from tests.recorder.recording import (
    Told,
    all_offsets,
    databases,
    failure,
    make,
    message,
    note,
    offsets,
    recording,
    result,
    rows,
    task,
)
from tests.waiting import until

# Files


def test_what_is_noted_can_be_read_by_any_tool_while_the_file_is_live(tmp_path: Path) -> None:
    with recording(tmp_path) as recorder:
        note(recorder, 3)
        recorder.flush()
        assert recorder.path is not None
        assert offsets(tmp_path / 'w1-live.db') == [0, 1, 2]
        assert offsets(recorder.path) == [0, 1, 2]
        state = recorder.state
        assert (state.buffered, state.written, state.dropped, state.problem) == (0, 3, 0, '')
        assert state.path == str(recorder.path)


def test_it_is_written_soon_without_being_asked_for(tmp_path: Path) -> None:
    with recording(tmp_path, flush_seconds=0.05) as recorder:
        note(recorder, 3)
        until(lambda: recorder.state.written == 3)


def test_a_buffer_that_fills_is_written_at_once(tmp_path: Path) -> None:
    with recording(tmp_path, max_buffer=10) as recorder:
        recorder.flush()
        note(recorder, 6)
        until(lambda: recorder.state.written == 6)


def test_a_stopped_recorder_leaves_one_file_and_no_link(tmp_path: Path) -> None:
    with recording(tmp_path) as recorder:
        note(recorder, 3)
    assert {p.suffix for p in tmp_path.iterdir()} == {'.db', '.lock'}
    (path,) = databases(tmp_path)
    assert offsets(path) == [0, 1, 2]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute('PRAGMA integrity_check').fetchone() == ('ok',)


def test_the_file_says_who_writes_it_and_learns_ports_later(tmp_path: Path) -> None:
    with recording(tmp_path) as recorder:
        recorder.flush()
        recorder.identify(debug_port=8080, password='hunter2')
        recorder.flush()
        said = recorder.read(lambda c: dict(map(tuple, c.execute('SELECT * FROM worker_config'))))
    known = {key: json.loads(value) for key, value in said.items()}
    assert known['worker_id'] == 'w1'
    assert (known['format'], known['debug_port']) == (1, 8080)


def test_the_worker_s_state_is_written_now_and_then(tmp_path: Path) -> None:
    with recording(tmp_path) as recorder:
        for _ in range(3):
            recorder.flush()
        found = recorder.read(
            lambda c: [tuple(r) for r in c.execute('SELECT state FROM worker_state')]
        )
    assert [json.loads(text)['cluster'] for (text,) in found] == ['main']


def test_a_reader_can_not_write(tmp_path: Path) -> None:
    for folder in (tmp_path, None):
        with recording(folder) as recorder:
            recorder.flush()
            with pytest.raises((sqlite3.Error, DrakkarError), match=r'read-?only'):
                recorder.read(lambda c: c.execute('DELETE FROM events'))
            note(recorder, 1)
            recorder.flush()
            assert recorder.state.written == 1


def test_a_question_that_would_take_for_ever_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filestore, 'READ_SECONDS', 0.05)
    endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n'
    with recording(tmp_path) as recorder:
        note(recorder, 1)
        recorder.flush()
        with pytest.raises(OutOfTimeError):
            recorder.read(lambda c: c.execute(endless).fetchone())
        assert recorder.read(lambda c: c.execute('SELECT 1').fetchone()[0]) == 1


def test_before_and_after_recording_there_is_nothing_to_read(tmp_path: Path) -> None:
    for folder in (tmp_path, None):
        recorder = make(folder)
        with pytest.raises(DatabaseError):
            recorder.read(lambda c: 1)
        recorder.flush()
        recorder.stop()


def test_many_may_ask_for_a_flush_at_once_and_one_may_give_up(tmp_path: Path) -> None:
    with recording(tmp_path) as recorder:
        note(recorder, 5)
        asking = [gevent.spawn(recorder.flush) for _ in range(5)]
        gevent.sleep(0)
        asking[0].kill()
        gevent.joinall(asking, timeout=5)
        assert recorder.state.written == 5


# Rotation and retention


def test_a_file_that_is_old_enough_is_followed_by_another(tmp_path: Path) -> None:
    with recording(tmp_path, rotation_seconds=0.0) as recorder:
        for number in range(3):
            note(recorder, 2, first=number * 2)
            recorder.flush()
        live = tmp_path / 'w1-live.db'
        assert live.resolve() == recorder.path
        assert not (tmp_path / (databases(tmp_path)[0].name + '-wal')).exists()
    assert sorted(all_offsets(tmp_path)) == [0, 1, 2, 3, 4, 5]
    assert len(databases(tmp_path)) == 3
    for path in databases(tmp_path):
        with closing(sqlite3.connect(path)) as connection:
            (name,) = connection.execute(
                "SELECT value FROM worker_config WHERE key = 'worker_id'"
            ).fetchone()
            assert name == '"w1"'


def test_the_number_of_events_on_the_disk_is_bounded(tmp_path: Path) -> None:
    with recording(tmp_path, retention_events=400) as recorder:
        for number in range(100):
            note(recorder, 20, first=number * 20)
            recorder.flush()
            assert sum(len(offsets(p)) for p in databases(tmp_path)) <= 440
    kept = sorted(all_offsets(tmp_path))
    assert kept == list(range(kept[0], 2000))
    assert len(kept) >= 200


# Memory


def test_without_a_folder_the_last_events_are_kept_in_memory() -> None:
    with recording(None, max_buffer=50) as recorder:
        for number in range(20):
            note(recorder, 10, first=number * 10)
            recorder.flush()
        assert [row['offset'] for row in rows(recorder)] == list(range(150, 200))
        assert (recorder.path, recorder.state.path) == (None, '')
        assert (recorder.state.written, recorder.state.dropped) == (200, 0)


def test_memory_is_bounded_in_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores.MemoryStore, 'MAX_BYTES', 1 << 20)
    with recording(None) as recorder:
        for _ in range(40):
            recorder.observer.task_completed(result(stdout='x' * 60_000))
            recorder.flush()
        kept = rows(recorder)
        assert 5 <= len(kept) <= 18


# Losses


def test_a_full_buffer_forgets_the_oldest_and_counts_them() -> None:
    woken: list[int] = []
    buffer = Buffer(4, lambda: woken.append(1))
    for number in range(7):
        buffer.add((number,))
    assert (buffer.lost, len(buffer), woken) == (3, 4, [1])
    assert buffer.take() == [(3,), (4,), (5,), (6,)]
    assert len(buffer) == 0


def test_losses_of_the_buffer_are_told_with_the_next_flush(tmp_path: Path) -> None:
    told = Told()
    recorder = make(tmp_path, told, max_buffer=100)
    note(recorder, 130)
    assert recorder.state.dropped == 30
    recorder.start()
    recorder.flush()
    assert told.dropped == {'buffer_full': 30}
    assert (recorder.state.dropped, told.flushed) == (30, 100)
    recorder.stop()


def test_rows_that_wait_are_bounded_in_number_and_in_bytes() -> None:
    backlog = Backlog(10, max_bytes=1000)
    backlog.rows = [(n, 'x' * 50) for n in range(15)]
    assert (backlog.trim(), [r[0] for r in backlog.rows]) == (5, list(range(5, 15)))
    backlog.rows = [(n, 'x' * 300) for n in range(5)]
    assert (backlog.trim(), [r[0] for r in backlog.rows]) == (2, [2, 3, 4])


def test_outputs_that_wait_are_bounded_and_the_row_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffer_module, 'MAX_OUTPUT_BYTES', 1000)
    with recording(None) as recorder:
        for _ in range(3):
            recorder.observer.task_completed(result(stdout='x' * 400))
        found = rows(recorder)
    assert [len(r['stdout']) if 'stdout' in r else None for r in found] == [400, 400, None]
    assert found[2]['metadata']['output_omitted'] is True


# Thresholds


def test_short_tasks_are_left_out_and_failures_never(tmp_path: Path) -> None:
    quick, slow, broken = task(1), task(2), task(3)
    with recording(tmp_path, event_min_seconds=0.5) as recorder:
        hear = recorder.observer
        for one in (quick, slow, broken):
            hear.task_started(one, 0, 1, 0, 0)
        hear.task_completed(result(quick, 0.4))
        hear.task_complete(result(quick, 0.4), [], 0)
        hear.task_completed(result(slow, 0.5))
        hear.task_complete(result(slow, 0.5), [], 0)
        hear.task_failed(failure(broken, duration_seconds=0.01), 'skip')
        found = [(row['offset'], row['event']) for row in rows(recorder)]
        assert recorder.state.dropped == 0
    assert found == [
        (2, 'task_started'),
        (2, 'task_completed'),
        (2, 'task_complete'),
        (3, 'task_started'),
        (3, 'task_failed'),
    ]


def test_a_start_is_written_once_its_task_is_old_enough(tmp_path: Path) -> None:
    with recording(tmp_path, event_min_seconds=0.5) as recorder:
        one = task(1)
        recorder.observer.task_started(one, 0, 1, 0, 0)
        assert rows(recorder) == []
        until(lambda: recorder.flush() or recorder.state.written)
        assert [row['event'] for row in rows(recorder)] == ['task_started']
        recorder.observer.task_completed(result(one, 0.6))
        assert [row['event'] for row in rows(recorder)] == ['task_started', 'task_completed']


def test_output_is_recorded_of_long_runs_and_of_failures(tmp_path: Path) -> None:
    with recording(tmp_path, output_min_seconds=0.5) as recorder:
        recorder.observer.task_completed(result(seconds=0.4, stdout='short'))
        recorder.observer.task_completed(result(seconds=0.5, stdout='long'))
        recorder.observer.task_failed(failure(duration_seconds=0.1, stderr='broken'), 'skip')
        found = rows(recorder)
    assert [(r.get('stdout'), r.get('stderr')) for r in found] == [
        (None, None),
        ('long', ''),
        ('', 'broken'),
    ]


def test_output_is_cut_and_the_row_says_so(tmp_path: Path) -> None:
    with recording(tmp_path, output_max_bytes=10) as recorder:
        recorder.observer.task_completed(result(stdout='ä' * 6, stderr='fits'))
        recorder.observer.task_completed(
            result(stdout='x' * 5000, stderr='x', stderr_truncated=True)
        )
        first, second = rows(recorder)
    assert (first['stdout'], first['stderr']) == ('äääää', 'fits')
    assert first['metadata']['stdout_truncated'] is True
    assert 'stderr_truncated' not in first['metadata']
    assert second['stdout'] == 'x' * 10
    assert second['metadata']['stderr_truncated'] is True


# Secrets


def test_no_secret_reaches_the_disk(tmp_path: Path) -> None:
    secret = 'hunter2'
    one = task(
        args=['--password', secret, f'db://me:{secret}@host/'],
        labels={'token': secret},
        env={'PLAIN': secret, 'API_TOKEN': secret},
        stdin=secret,
        metadata={'x': secret},
    )
    with recording(tmp_path) as recorder:
        hear = recorder.observer
        hear.task_started(one, 0, 1, 0, 0)
        hear.task_completed(result(one, stdout=f'TOKEN={secret}', stderr=f'http://u:{secret}@h'))
        hear.task_failed(failure(one, exception=f'password={secret}'), 'skip')
        hear.parse_failed(message(), f'at token={secret}')
        hear.annotation({'api_key': secret, 'deep': [f'a_token={secret}']})
        hear.periodic_run('p', 1.0, f'OSError: http://me:{secret}@host')
        recorder.identify(password=secret, config={'sinks': {'dsn': f'pg://me:{secret}@db/'}})
        recorder._writer._snapshot = lambda: WorkerSnapshot(
            'w1', '', 0.0, source_problem=f'kafka://me:{secret}@broker is away'
        )
        recorder._writer._state_due = 0.0
        recorder.flush()
        states = recorder.read(lambda c: c.execute('SELECT state FROM worker_state').fetchall())
        assert 'kafka://broker is away' in states[-1]['state']
    for path in tmp_path.iterdir():
        assert secret.encode() not in path.read_bytes()
