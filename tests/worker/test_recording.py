"""The recorder as a part of a worker."""

from __future__ import annotations

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import drakkar.api as dk
from drakkar.errors import ConfigError
from drakkar.testing import WorkerHarness
from drakkar.worker.recording import addresses

EXECUTOR = {
    'binary_path': '/bin/sh',
    'max_retries': '1',
    'retry_backoff_seconds': '0.001',
    'env': {'PLAIN_TEXT': 'hunter2'},
}


class Line(dk.Payload):
    sink_type = 'line'


class Handler(dk.Handler):
    """A program a message; every fifth fails, twice, and goes to the dead letters."""

    def arrange(
        self, messages: Sequence[dk.SourceMessage], pending: dk.PendingContext
    ) -> list[dk.ExecutorTask]:
        return [
            dk.ExecutorTask(
                args=['-c', 'exit 1' if m.payload['n'] % 5 == 4 else 'echo fine'],
                source_offsets=[m.offset],
                env={'OTHER': 'hunter2'},
            )
            for m in messages
        ]

    def on_message_complete(self, group: dk.MessageGroup) -> list[dk.Payload]:
        self.annotate({'seen': group.source_message.offset})
        return []


def config(**debug: Any) -> dict[str, Any]:
    return {'debug': {'enabled': True, **debug}, 'executor': EXECUTOR}


def work(harness: WorkerHarness, count: int) -> None:
    with harness:
        harness.send([{'n': n} for n in range(count)])
        harness.wait_for(lambda: len(harness.record.done) >= count)


def test_a_run_is_recorded_to_the_last_message(tmp_path: Path) -> None:
    harness = WorkerHarness(Handler, config=config(db_dir=str(tmp_path)))
    work(harness, 20)
    (path,) = tmp_path.glob('test-2*.db')
    with closing(sqlite3.connect(path)) as connection:
        events = Counter(e for (e,) in connection.execute('SELECT event FROM events'))
        (consumed,) = connection.execute(
            "SELECT sum(json_extract(metadata, '$.count')) FROM events WHERE event = 'consumed'"
        ).fetchone()
        (committed,) = connection.execute(
            "SELECT max(offset) FROM events WHERE event = 'committed'"
        ).fetchone()
        said = {
            key: json.loads(value)
            for key, value in connection.execute('SELECT key, value FROM worker_config')
        }
    assert (consumed, committed) == (20, 20)
    assert events['task_started'] == 24
    assert (events['task_completed'], events['task_failed'], events['task_retried']) == (16, 8, 4)
    assert (events['message_complete'], events['dlq_sent'], events['annotation']) == (20, 4, 20)
    assert (said['worker_id'], said['handler'], said['source']) == ('test', 'Handler', 'memory')
    assert (said['pid'], said['config']['executor']['binary_path']) == (os.getpid(), '/bin/sh')
    assert said['config']['executor.env'] == {'PLAIN_TEXT': '***'}
    assert b'hunter2' not in path.read_bytes()


def test_the_ports_are_written_once_they_are_bound() -> None:
    harness = WorkerHarness(Handler, config={**config(), 'metrics': {'enabled': True, 'port': 0}})
    with harness:
        recorder = harness.worker.parts.recorder
        assert recorder is not None
        recorder.flush()
        read = "SELECT value FROM worker_config WHERE key = 'metrics_port'"
        ((port,),) = recorder.read(lambda c: [tuple(r) for r in c.execute(read)])
        assert int(port) == harness.worker.parts.services[0].port > 0


def test_snapshot_and_metrics_know_the_recorder() -> None:
    harness = WorkerHarness(Handler, config=config())
    with harness:
        recorder = harness.worker.parts.recorder
        assert recorder is not None
        harness.send([{'n': 1}])
        harness.wait_for(lambda: harness.record.done)
        recorder.flush()
        state = harness.worker.snapshot().recorder
        assert state is not None
        assert state.written > 5
        value = harness.worker.parts.registry.get_sample_value
        assert value('drakkar_recorder_buffer') == recorder.state.buffered
        flushes = value('drakkar_recorder_flush_duration_seconds_count')
        assert flushes is not None
        assert flushes >= 1


def test_without_the_debug_section_nothing_is_recorded(tmp_path: Path) -> None:
    debug = {'enabled': False, 'db_dir': str(tmp_path / 'none')}
    harness = WorkerHarness(Handler, config={'debug': debug, 'executor': EXECUTOR})
    work(harness, 1)
    assert harness.worker.parts.recorder is None
    assert not (tmp_path / 'none').exists()


def test_a_disk_that_can_not_be_written_does_not_keep_the_worker_from_its_work(
    tmp_path: Path,
) -> None:
    (tmp_path / 'w').touch()
    (tmp_path / 'link').symlink_to(tmp_path / 'nowhere' / 'x')
    harness = WorkerHarness(Handler, config=config(db_dir=str(tmp_path / 'link')))
    work(harness, 10)
    assert harness.worker.parts.recorder is not None
    assert harness.worker.parts.recorder.state.dropped > 0
    assert harness.committed == {0: 10}


def test_a_folder_that_is_a_file_is_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    (tmp_path / 'file').touch()
    with pytest.raises(ConfigError, match='db_dir'):
        WorkerHarness(Handler, config=config(db_dir=str(tmp_path / 'file')))


class FakeService:
    def __init__(self, name: str, port: int) -> None:
        self.name, self.port = name, port
        self.url = f'http://127.0.0.1:{port}'


def test_addresses_are_those_that_were_bound_and_the_one_that_is_configured() -> None:
    harness = WorkerHarness(Handler, config={'debug': {'debug_url': 'https://ops/w1'}})
    services: Any = [FakeService('metrics', 9090), FakeService('debug', 8081)]
    assert addresses(harness.config, services) == {
        'metrics_port': 9090,
        'debug_port': 8081,
        'debug_url': 'https://ops/w1',
    }
    plain = WorkerHarness(Handler)
    assert addresses(plain.config, services)['debug_url'] == 'http://127.0.0.1:8081'
