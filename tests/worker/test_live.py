"""A worker's live board: what a real run leaves on it."""

from __future__ import annotations

import os
import signal

import drakkar.api as dk
from drakkar.testing import WorkerHarness
from tests.waiting import until


class Sleeps(dk.Handler):
    def arrange(self, messages, pending):
        return [
            dk.ExecutorTask(
                args=['-c', m.payload['script']], source_offsets=[m.offset], labels={'n': 'one'}
            )
            for m in messages
        ]

    def on_error(self, task, error):
        return dk.SKIP

    def message_label(self, message):
        return f'script {message.offset}'


def run(**debug):
    return WorkerHarness(
        Sleeps,
        config={
            'executor': {
                'binary_path': '/bin/sh',
                'max_executors': 2,
                'drain_timeout_seconds': 0.1,
            },
            'debug': debug,
        },
    )


def test_a_worker_shows_its_running_and_its_finished_tasks() -> None:
    with run(ws_min_duration_ms=0) as worker:
        board = worker.worker.parts.live
        worker.send([{'script': 'exec sleep 30'}, {'script': 'exit 3'}])
        until(lambda: {bar['state'] for bar in board.snapshot()['bars']} == {'running', 'failed'})
        snapshot = board.snapshot()
        running, failed = sorted(snapshot['bars'], key=lambda bar: bar['message'])
        os.kill(running['pid'], signal.SIGKILL)
        assert (failed['exit_code'], failed['action'], failed['name']) == (3, 'skip', 'p0:o1')
        assert snapshot['pool']['active'] == 1
        assert snapshot['arranged'][0]['labels'][0] == 'script 0'


def test_there_is_none_without_the_debug_ui() -> None:
    with run(enabled=False) as worker:
        assert worker.worker.parts.live is None
