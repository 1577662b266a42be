"""The real recorder in a real worker, and the questions that are asked of what it wrote."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import drakkar.api as dk
from drakkar.peers import Peers
from drakkar.readonly import reading
from drakkar.recorder import queries
from drakkar.recorder.databases import Databases
from drakkar.recorder.merge import merge
from drakkar.recorder.targets import parse_target
from drakkar.recorder.trace import Search, find_task, places, trace
from drakkar.recorder.words import in_words
from drakkar.testing import WorkerHarness
from drakkar_sink_filesystem import FilePayload

STORY = [
    'consumed',
    'arranged',
    'task_started',
    'task_failed',
    'task_retried',
    'task_started',
    'task_completed',
    'produced',
    'task_complete',
    'message_complete',
    'window_complete',
    'sink_delivered',
    'committed',
]


class SecondTry(dk.Handler):
    """Each program fails at its first run and works at the second."""

    def arrange(self, messages: Any, pending: Any) -> list[dk.ExecutorTask]:
        script = 'if [ -e "$1" ]; then echo fine; else touch "$1"; exit 3; fi'
        return [
            dk.ExecutorTask(
                args=['-c', script, 'sh', m.payload['path']],
                source_offsets=[m.offset],
                labels={'path': m.payload['path']},
            )
            for m in messages
        ]

    def on_error(self, task: Any, error: Any) -> Any:
        return dk.RETRY

    def on_task_complete(self, result: dk.ExecutorResult) -> list[FilePayload]:
        return [FilePayload('out.jsonl', {'said': result.stdout})]


def worker(folder: Path) -> WorkerHarness:
    return WorkerHarness(
        SecondTry,
        config={
            'executor': {'binary_path': '/bin/sh', 'retry_backoff_seconds': 0.01},
            'debug': {
                'enabled': True,
                'db_dir': str(folder / 'db'),
                'flush_interval_seconds': 0.05,
                'output_min_duration_ms': 0,
            },
        },
        sinks=[FilePayload],
    )


def search(folder: Path) -> Search:
    deadline = time.monotonic() + 20
    return Search(places(Databases(folder / 'db'), deadline), deadline)


def events(found: dict[str, Any]) -> list[str]:
    return [row['event'] for row in found['rows']]


def test_a_message_from_its_poll_to_its_commit(tmp_path):
    with worker(tmp_path) as harness:
        harness.send([{'path': str(tmp_path / name)} for name in ('a', 'b', 'c')])
        harness.wait_for(lambda: harness.committed.get(0) == 3)
        recorder = harness.worker.parts.recorder
        recorder.flush()

        # While the worker lives: from its own recorder, and from its file as a peer would.
        live = trace(parse_target('0:1'), search(tmp_path))
        assert sorted(events(live)) == sorted(STORY)
        assert events(live)[0] == 'consumed'
        (peer,) = Peers(tmp_path / 'db').find().peers
        assert (peer.worker_id, peer.live, peer.path) == ('test', True, recorder.path)
        page = recorder.read(queries.events_page, queries.EventFilter(types=('task_failed',)))
        assert [row['exit_code'] for row in page['events']] == [3, 3, 3]
        assert recorder.read(queries.counts_by_type)['task_retried'] == 3
        task_id = page['events'][0]['task_id']
        assert recorder.read(queries.task, task_id)['status'] == 'completed'

    # Afterwards: from the closed file, by a label, and from a merged one.
    assert sorted(events(trace(parse_target('0:1'), search(tmp_path)))) == sorted(STORY)
    found = trace(parse_target(f'path={tmp_path / "b"}'), search(tmp_path))
    assert found['messages'] == ['messages:0:1']
    assert sorted(events(found)) == sorted(STORY)
    assert all(isinstance(in_words(row), str) for row in found['rows'])

    task = find_task(task_id, search(tmp_path))
    assert task is not None
    assert [run['status'] for run in task['runs']] == ['failed', 'completed']
    assert (task['stdout'], task['exit_code']) == ('fine\n', 0)
    kinds = [bar['what'] for bar in task['timeline']]
    assert {'arranged', 'run 1', 'run 2', 'waits to run again', 'on_task_complete'} <= set(kinds)
    assert any(what.startswith('sink_delivered filesystem.') for what in kinds)

    assert not Peers(tmp_path / 'db').find().peers
    (file,) = Databases(tmp_path / 'db').find()
    assert (file.worker, file.live, file.problem) == ('test', False, '')
    merged = merge([file.path], tmp_path / 'merged.db')
    assert merged.events == file.events
    with reading(merged.path) as connection:
        assert queries.task(connection, task_id)['worker'] == 'test'
        assert queries.worker_config(connection, 'test')['handler']


def test_a_message_over_a_restart(tmp_path):
    for name in ('first', 'second'):
        with worker(tmp_path) as harness:
            harness.send([{'path': str(tmp_path / name)}])
            harness.wait_for(lambda h=harness: h.committed.get(0) == 1)
    found = trace(parse_target('0:0'), search(tmp_path))
    assert events(found).count('consumed') == 2
    assert len(found['files']) == 2
