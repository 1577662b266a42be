"""How a worker starts and ends, and that whatever goes wrong in it, everything is closed."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent.event import Event

import drakkar.api as dk
from drakkar.errors import (
    EXIT_CONNECT,
    EXIT_FAILURE,
    EXIT_USAGE,
    ConfigError,
    ConnectError,
    DeadLetterError,
    DrainTimeoutError,
    DrakkarError,
    HandlerError,
)
from drakkar.greenlets import Nursery
from drakkar.testing import WorkerHarness
from tests.pipeline.handlers import Out, ShellHandler
from tests.waiting import until

pytestmark = pytest.mark.slow  # real processes, or real seconds

ONCE = {'sinks': {'connect_attempts': 1}}


def raising(error: BaseException) -> Callable[..., Any]:
    def call(*args: Any) -> None:
        raise error

    return call


class Doors:
    """Counts what a harness connects and closes."""

    def __init__(self, run: WorkerHarness) -> None:
        self.log: list[str] = []
        parts = run.worker.parts
        self.watch(run.sinks['out.captured'], 'sink', 'connect', 'close')
        self.watch(parts.dead_letters, 'dlq', 'connect', 'close')
        self.watch(parts.source, 'source', 'start', 'close')
        self.watch(parts.executor, 'executor', 'start', 'close')

    def watch(self, part: Any, name: str, *methods: str) -> None:
        for method in methods:
            setattr(part, method, self._noting(f'{name}.{method}', getattr(part, method)))

    def _noting(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            self.log.append(name)
            return method(*args)

        return call

    @property
    def opened(self) -> set[str]:
        return {entry.partition('.')[0] for entry in self.log if not entry.endswith('close')}

    @property
    def closed(self) -> set[str]:
        return {entry.partition('.')[0] for entry in self.log if entry.endswith('close')}


def fails_to_start(run: WorkerHarness, error: type[DrakkarError], says: str) -> DrakkarError:
    run.running.start()
    with pytest.raises(error, match=says) as caught:
        run.running.get(timeout=20)
    assert run.worker.state == 'stopped'
    assert not run.worker.greenlets.names()
    return caught.value


def test_all_is_opened_in_order_and_closed_in_order() -> None:
    run = WorkerHarness(ShellHandler, sinks=[Out])
    doors = Doors(run)
    assert run.worker.reasons_not_ready() == ['worker is starting']
    with run:
        assert run.worker.reasons_not_ready() == []
    assert run.worker.reasons_not_ready() == ['worker is stopped']
    assert doors.log == [
        'executor.start',
        'dlq.connect',
        'sink.connect',
        'source.start',
        'source.close',
        'executor.close',
        'sink.close',
        'dlq.close',
    ]


def test_a_busy_port_shows_before_anything_is_connected() -> None:
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        metrics = {'enabled': True, 'host': '127.0.0.1', 'port': taken.getsockname()[1]}
        run = WorkerHarness(ShellHandler, sinks=[Out], config={'metrics': metrics})
        doors = Doors(run)
        error = fails_to_start(run, ConfigError, 'is in use')
    assert error.exit_code == EXIT_USAGE
    assert not doors.opened


def test_a_sink_that_can_not_connect_is_named_and_the_source_never_started() -> None:
    run = WorkerHarness(ShellHandler, sinks=[Out], config=ONCE)
    run.sinks['out.captured'].connect = raising(ConnectionError('refused'))  # type: ignore[method-assign]
    doors = Doors(run)
    error = fails_to_start(run, ConnectError, r'\[sinks.out.captured\] could not connect.*refused')
    assert error.exit_code == EXIT_CONNECT
    assert 'source' not in doors.opened
    assert doors.closed >= doors.opened


def test_a_dead_letter_queue_that_can_not_be_written_is_named() -> None:
    run = WorkerHarness(ShellHandler, sinks=[Out])
    run.dead_letter_queue.connect = raising(DeadLetterError('/x: not writable'))  # type: ignore[method-assign]
    error = fails_to_start(run, ConnectError, r'\[dlq\] /x: not writable')
    assert error.exit_code == EXIT_CONNECT


def test_a_source_that_can_not_start_closes_all_that_was_opened() -> None:
    run = WorkerHarness(ShellHandler, sinks=[Out])
    run.source.start = raising(ConnectError('no broker'))  # type: ignore[method-assign]
    doors = Doors(run)
    fails_to_start(run, ConnectError, 'no broker')
    assert doors.closed == doors.opened == {'sink', 'dlq', 'source', 'executor'}


class NotReady(ShellHandler):
    error: BaseException

    def on_ready(self, context: dk.ReadyContext) -> None:
        raise self.error


@pytest.mark.parametrize('error', [ValueError('no table'), SystemExit(0), gevent.Timeout(3)])
def test_an_on_ready_that_raises_is_one_clear_error(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NotReady, 'error', error, raising=False)
    run = WorkerHarness(NotReady, sinks=[Out])
    doors = Doors(run)
    says = f'on_ready of NotReady raised {type(error).__name__}: '
    assert fails_to_start(run, HandlerError, says).exit_code == EXIT_FAILURE
    assert 'source' not in doors.opened
    assert doors.closed >= doors.opened


def test_an_on_ready_may_say_itself_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NotReady, 'error', ConfigError('set a table'), raising=False)
    fails_to_start(WorkerHarness(NotReady, sinks=[Out]), ConfigError, '^set a table$')


def test_it_can_be_stopped_while_it_waits_for_a_server() -> None:
    run = WorkerHarness(ShellHandler, sinks=[Out])
    connecting = Event()

    def connect() -> None:
        connecting.set()
        Event().wait()

    run.sinks['out.captured'].connect = connect  # type: ignore[method-assign]
    doors = Doors(run)
    run.running.start()
    assert connecting.wait(10)
    run.stop()
    assert 'source' not in doors.opened
    assert doors.closed >= doors.opened


@pytest.mark.parametrize('part', ['source', 'executor', 'router', 'dead_letters'])
def test_a_part_that_fails_to_close_leaves_no_other_open(part: str) -> None:
    run = WorkerHarness(ShellHandler, sinks=[Out])
    doors = Doors(run)
    target = getattr(run.worker.parts, part)
    close = target.close

    def fail() -> None:
        close()
        raise RuntimeError('by design')

    target.close = fail
    with run:
        run.send([{'run': 'echo x'}])
        run.wait_for(lambda: run.committed == {0: 1})
    assert run.worker.state == 'stopped'
    assert doors.closed == {'sink', 'dlq', 'source', 'executor'}


# Hooks that do not end


class Hangs(ShellHandler):
    """Its hook ends when the test says so, not when it is killed."""

    gate: Event
    stubborn = False

    def on_task_complete(self, result: dk.ExecutorResult) -> Sequence[dk.Payload]:
        while not self.gate.is_set():
            try:
                self.gate.wait()
            except gevent.GreenletExit:
                if not self.stubborn:
                    raise
        return [Out('too late')]


@pytest.mark.parametrize('stubborn', [False, True])
def test_a_hook_that_never_returns_ends_with_the_drain(
    stubborn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Nursery.kill, '__defaults__', (0.05,))
    monkeypatch.setattr(Hangs, 'gate', Event(), raising=False)
    monkeypatch.setattr(Hangs, 'stubborn', stubborn)
    run = WorkerHarness(Hangs, sinks=[Out], config={'executor': {'drain_timeout_seconds': 0.05}})
    run.running.start()
    run.send([{'run': 'echo x'}])
    run.wait_for(lambda: run.record.results)
    started = time.monotonic()
    with pytest.raises(DrainTimeoutError):
        run.stop()
    assert time.monotonic() - started < 10
    Hangs.gate.set()
    gevent.sleep(0.01)  # nothing comes of it
    assert not run.payloads
    assert not run.committed
    assert run.worker.snapshot().total_queued == 0


def test_a_poll_that_blocks_does_not_hold_up_the_end() -> None:
    run = WorkerHarness(ShellHandler, sinks=[Out])
    with run:
        polling = Event()

        def poll(max_messages: int, timeout: float) -> list[dk.SourceMessage]:
            polling.set()
            Event().wait()
            return []

        run.source.poll = poll  # type: ignore[method-assign]
        run.source._changed.set()
        assert polling.wait(10)
    assert run.source.closed


def test_a_greenlet_that_dies_by_any_exception_ends_the_worker() -> None:
    run = WorkerHarness(ShellHandler, sinks=[Out])
    run.source.fail('poll', gevent.Timeout(5))  # type: ignore[arg-type]
    run.running.start()
    with pytest.raises(DrakkarError, match='poll-loop died: Timeout'):
        run.running.get(timeout=20)
    assert run.worker.state == 'stopped'


# Signals

PROGRAM = """
import sys
from gevent import monkey; monkey.patch_all()
from drakkar.testing import WorkerHarness
from tests.pipeline.handlers import Out, ShellHandler
run = WorkerHarness(ShellHandler, sinks=[Out])
run.worker.handle_signals()
run.send([{'run': sys.argv[1]}])
run.running.start()
run.wait_for(lambda: run.worker.snapshot().pool.active)
print('running', flush=True)
run.running.get()
print('clean', flush=True)
"""


def started(script: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, '-W', 'ignore', '-c', PROGRAM, script],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line == 'running\n':
            return process
    pytest.fail(f'ended with {process.wait()}')


def test_one_signal_drains_and_a_second_ends_it_at_once(tmp_path: Path) -> None:
    program = tmp_path / 'program'
    program.write_text('#!/bin/sh\nwhile :; do sleep 0.1; done\n')
    program.chmod(0o755)
    with started(f'exec {program}') as process:
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert 'stopping' in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == EXIT_FAILURE
    left = ['pgrep', '-f', str(program)]
    until(lambda: not subprocess.run(left, capture_output=True, check=False).stdout)


def test_one_signal_lets_what_runs_end(tmp_path: Path) -> None:
    gate = tmp_path / 'gate'
    with started(f'until test -e {gate}; do sleep 0.05; done') as process:
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        assert 'stopping' in process.stdout.readline()
        gate.touch()
        assert process.wait(20) == 0
        assert 'clean' in process.stdout.read()
