"""A probe ends: by its limit, by a wish, with the worker; and others are not held up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

import drakkar.api as dk
from drakkar.testing import WorkerHarness
from drakkar.worker.probe import ProbeBusyError, ProbeRequest, ProbeUnavailableError
from tests.executor.world import alive
from tests.pipeline.handlers import Out, ShellHandler
from tests.waiting import until

pytestmark = pytest.mark.slow


class Waiting(ShellHandler):
    """Its hook never returns where the message says so; some do not even want to be ended."""

    def on_task_complete(self, result: dk.ExecutorResult) -> list[dk.Payload] | None:
        while 'forever' in result.stdout:
            gevent.sleep(60)
        return super().on_task_complete(result)


@pytest.fixture
def run() -> Iterator[WorkerHarness]:
    with WorkerHarness(Waiting, sinks=[Out]) as harness:
        yield harness


def slow(file: Path) -> dict[str, str]:
    return {'run': f'echo $$ > {file}; echo began; sleep 600 & wait'}


def pid_in(file: Path) -> int:
    until(lambda: file.exists() and file.read_text().endswith('\n'))
    return int(file.read_text())


def start(run: WorkerHarness, value: Any, **fields: Any) -> gevent.Greenlet:
    return gevent.spawn(run.probe, value, **fields)


def test_the_limit_kills_what_runs(run: WorkerHarness, tmp_path: Path) -> None:
    report = run.probe(slow(tmp_path / 'pid'), timeout_seconds=2.0)
    assert report['status'] == 'timeout'
    assert not report['offset_complete']
    assert not alive(pid_in(tmp_path / 'pid'))
    (attempt,) = report['tasks'][0]['attempts']
    assert attempt['status'] == 'cancelled'
    assert attempt['stdout']['text'] == 'began\n'
    assert report['duration_seconds'] < 10


def test_a_hook_that_never_returns_is_ended_and_named(run: WorkerHarness) -> None:
    report = run.probe({'run': 'echo forever'}, timeout_seconds=2.0)
    assert report['status'] == 'timeout'
    (call,) = [c for c in report['hooks'] if c['hook'] == 'on_task_complete']
    assert call['error'] == 'had not returned when the probe was ended'
    assert run.worker.state == 'running'


def test_one_that_waits_holds_up_no_other(run: WorkerHarness) -> None:
    waiting = start(run, {'run': 'echo forever'}, probe_id='one')
    until(lambda: run.worker.parts.probe.running == ['one'])
    assert run.probe({'run': 'echo two'})['status'] == 'completed'
    run.send([{'run': 'echo real'}])
    run.wait_for(lambda: len(run.record.done) == 1)
    assert run.worker.parts.probe.cancel('one')
    assert waiting.get(timeout=10)['status'] == 'cancelled'


def test_cancel_kills_the_program(run: WorkerHarness, tmp_path: Path) -> None:
    running = start(run, slow(tmp_path / 'pid'), probe_id='mine')
    pid = pid_in(tmp_path / 'pid')
    assert alive(pid)
    assert not run.worker.parts.probe.cancel('other')
    assert run.worker.parts.probe.cancel('mine')
    assert running.get(timeout=10)['status'] == 'cancelled'
    assert not alive(pid)
    assert not run.worker.parts.probe.cancel('mine')


def test_two_run_at_once_and_a_third_is_refused(run: WorkerHarness) -> None:
    two = [start(run, {'run': 'sleep 600'}, probe_id=name) for name in ('a', 'b')]
    until(lambda: run.worker.parts.probe.running == ['a', 'b'])
    with pytest.raises(ProbeBusyError, match='2 probes are running'):
        run.probe({})
    for name in ('a', 'b'):
        run.worker.parts.probe.cancel(name)
    gevent.joinall(two, timeout=10, raise_error=True)
    assert run.probe({'run': 'true'})['status'] == 'completed'


def test_programs_of_a_probe_have_slots_of_their_own(run: WorkerHarness, tmp_path: Path) -> None:
    scripts = [f'echo x >> {tmp_path}/count; sleep 600' for _ in range(5)]
    running = start(run, {'runs': scripts}, probe_id='wide')
    count = tmp_path / 'count'
    until(lambda: count.exists() and len(count.read_text().split()) == 2)
    gevent.sleep(0.1)  # a third would have had its time
    assert len(count.read_text().split()) == 2
    assert run.worker.snapshot().pool.active == 0
    run.worker.parts.probe.cancel('wide')
    report = running.get(timeout=10)
    assert [t['attempts'][0]['status'] for t in report['tasks']] == ['cancelled'] * 5


def test_the_worker_s_end_ends_them(tmp_path: Path) -> None:
    with WorkerHarness(Waiting, sinks=[Out]) as harness:
        running = start(harness, slow(tmp_path / 'pid'))
        pid = pid_in(tmp_path / 'pid')
    assert running.get(timeout=10)['status'] == 'cancelled'
    assert not alive(pid)
    with pytest.raises(ProbeUnavailableError, match='stopping'):
        harness.probe({})


def test_a_caller_that_is_killed_leaves_nothing(run: WorkerHarness, tmp_path: Path) -> None:
    running = start(run, slow(tmp_path / 'pid'))
    pid = pid_in(tmp_path / 'pid')
    running.kill()
    assert not alive(pid)
    assert run.worker.parts.probe.running == []


def test_programs_get_the_filtered_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, 'MY_PASSWORD', 'secret')
    with WorkerHarness(ShellHandler, sinks=[Out]) as harness:
        report = harness.probe({'run': 'echo "[$MY_PASSWORD]"'})
    assert report['tasks'][0]['attempts'][0]['stdout']['text'] == '[]\n'


def test_a_request_with_an_offset_below_zero_is_refused() -> None:
    with pytest.raises(dk.DrakkarError, match='offset'):
        ProbeRequest.parse({'value': '{}', 'offset': -1})
