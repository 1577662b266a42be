"""When requests end: time limits, clients that go, capacity, shutdown, priority."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
import requests

from drakkar.errors import ConfigError
from drakkar.handler import Handler
from tests.webapp.handlers import ShellHandler
from tests.webapp.site import CLIENTS, TOKEN, Site, stages

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def site() -> Iterator[Site]:
    with Site(ShellHandler, clients={**CLIENTS, 'tenant-A': {'token': TOKEN, 'rpm': 1000}}) as site:
        yield site


def running(marker: Path) -> bool:
    """Whether a program that a script told its pid still runs."""
    pid = marker.read_text().strip() if marker.exists() else ''
    return bool(pid) and Path(f'/proc/{pid}').exists()


def test_when_its_time_is_over_programs_are_ended(tmp_path: Path) -> None:
    pid = tmp_path / 'pid'
    with Site(ShellHandler, request_timeout_seconds=0.5) as site:
        body = {'script': f'echo $$ > {pid}; exec sleep 60', 'times': 3, 'request_id': 'slow'}
        started = time.monotonic()
        answer = site.post(body)
        report = answer.json()
        assert (answer.status_code, report['status']) == (504, 'timeout')
        assert 0.5 <= time.monotonic() - started < 5
        assert 'not done within' in report['error']
        assert 'hint' in report
        assert [t['exit_code'] for t in report['tasks']] == [None] * 3
        assert stages(report) == ['receive', 'parse', 'arrange', 'execute']
        site.wait_for(lambda: site.heard.of('dropped'))
        assert site.heard.of('dropped') == [3]
        assert not running(pid)
        assert site.heard.answered == [('anonymous', 'timeout')]
        assert {action for _, action in site.harness.record.errors} == {'cancelled'}
        assert site.report({})['status'] == 'ok'


class StubbornHandler(ShellHandler):
    """A hook that takes for ever, and does not let itself be ended."""

    released = False
    ended = 0

    def on_http_request_complete(self, group: Any) -> Any:
        while not StubbornHandler.released:
            try:
                gevent.sleep(0.02)
            except BaseException:
                continue
        StubbornHandler.ended += 1


def test_a_hook_that_does_not_return_holds_nobody_up() -> None:
    with Site(StubbornHandler, request_timeout_seconds=0.3) as site:
        started = time.monotonic()
        assert site.post({}).status_code == 504
        assert time.monotonic() - started < 3
        assert site.harness.worker.snapshot().webapp.in_flight == 0  # type: ignore[union-attr]
        StubbornHandler.released = True
        site.wait_for(lambda: StubbornHandler.ended)


def test_who_goes_early_has_the_work_ended(site: Site, tmp_path: Path) -> None:
    pid = tmp_path / 'pid'
    body = f'{{"script": "echo $$ > {pid}; exec sleep 60"}}'.encode()
    with site.connect() as raw:
        length = f'Content-Length: {len(body)}\r\n\r\n'.encode()
        raw.send(b'POST /process HTTP/1.1\r\nContent-Type: application/json\r\n' + length + body)
        site.wait_for(lambda: running(pid))
    site.wait_for(lambda: not running(pid))
    site.wait_for(lambda: site.heard.answered[-1] == ('anonymous', 'disconnected'))
    assert site.heard.of('completed')[-1].status == 'disconnected'
    assert site.harness.worker.snapshot().webapp.in_flight == 0  # type: ignore[union-attr]


def test_beyond_its_capacity_requests_are_refused(tmp_path: Path) -> None:
    gate = tmp_path / 'gate'
    body = {'script': f'until test -e {gate}; do sleep 0.05; done'}
    with Site(ShellHandler, max_concurrent=2) as site:
        codes: list[int] = []
        waiting = [gevent.spawn(lambda: codes.append(site.post(body).status_code)) for _ in '12']
        site.wait_for(lambda: len(site.heard.of('received')) == 2)
        answer = site.post({})
        assert (answer.status_code, answer.json()['status']) == (503, 'capacity')
        assert answer.headers['Retry-After'] == '1'
        assert 'hint' in answer.json()
        gate.touch()
        gevent.joinall(waiting)
        assert codes == [200, 200]
        assert site.post({}).status_code == 200


# The life of the worker


def test_before_the_worker_runs_it_says_so() -> None:
    with Site(ShellHandler, started=False) as site:
        answer = site.post({})
        assert (answer.status_code, answer.json()['status']) == (503, 'not_ready')
        assert 'hint' in answer.json()


def test_at_shutdown_new_requests_are_refused_and_running_ones_finish(tmp_path: Path) -> None:
    gate = tmp_path / 'gate'
    body = {'script': f'until test -e {gate}; do sleep 0.05; done; echo done'}
    with Site(ShellHandler) as site:
        answers: list[Any] = []
        waiting = gevent.spawn(lambda: answers.append(site.post(body)))
        with requests.Session() as kept:
            kept.post(site.url, json={}, timeout=10)
            site.wait_for(lambda: len(site.heard.of('received')) == 2)
            site.harness.worker.stop()
            site.wait_for(lambda: site.harness.worker.state == 'stopping')
            for post in (site.post, lambda b: kept.post(site.url, json=b, timeout=10)):
                answer = post({})
                assert (answer.status_code, answer.json()['status']) == (503, 'shutdown')
                assert answer.headers['Connection'] == 'close'
            gate.touch()
            waiting.join()
        assert answers[0].json()['result'] == {'stdout': ['done\n']}


def test_at_shutdown_nobody_waits_longer_than_its_time(tmp_path: Path) -> None:
    with Site(ShellHandler, request_timeout_seconds=1) as site:
        answers: list[Any] = []
        waiting = gevent.spawn(lambda: answers.append(site.post({'script': 'sleep 60'})))
        site.wait_for(lambda: site.heard.of('received'))
        started = time.monotonic()
        site.harness.stop()
        assert time.monotonic() - started < 8
        waiting.join()
        assert answers[0].status_code == 504


def test_a_handler_without_the_hook_is_refused() -> None:
    class Deaf(Handler):
        def arrange(self, messages: Any, pending: Any) -> Any:
            return []

    with pytest.raises(ConfigError, match=r'\[webapp\] enabled = true: handler Deaf has no'):
        Site(Deaf)


def test_a_port_in_use_is_told() -> None:
    with Site(ShellHandler) as site:
        other = Site(ShellHandler, port=site.server.port)
        with pytest.raises(ConfigError, match=r'\[webapp\] port = \d+: .* is in use'):
            other.server.bind()


def test_requests_of_native_threads_do_not_wait_for_each_other(site: Site) -> None:
    results: list[int] = []

    def ask() -> None:
        results.append(site.post({'script': 'sleep 0.05'}).status_code)

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [200] * 10


class SlowToName(ShellHandler):
    def http_request_id(self, request: Any, headers: Any) -> str:
        gevent.sleep(30)
        return 'never'


def test_a_hook_that_waits_before_the_first_task_has_no_more_time() -> None:
    with Site(SlowToName, request_timeout_seconds=0.2) as site:
        answer = site.post({})
        assert (answer.status_code, answer.json()['status']) == (504, 'timeout')
        assert re.fullmatch('[0-9a-f]{32}', answer.json()['request_id'])
        assert [name for name, _ in site.heard.events] == [
            'received',
            'timeout',
            'completed',
            'answered',
        ]


class Hurried(ShellHandler):
    def task_priority(self, task: Any) -> Any:
        return (0 if task.origin == 'http' else 1, min(task.source_offsets))


def test_a_request_with_priority_overtakes_the_messages_that_wait(tmp_path: Path) -> None:
    gate = tmp_path / 'gate'
    script = f'until test -e {gate}; do sleep 0.02; done'
    with Site(Hurried, config={'executor': {'max_executors': 2, 'window_size': 1}}) as site:
        pool = site.harness.worker.parts.executor
        site.harness.send([{'script': script}] * 40)
        site.wait_for(lambda: pool.snapshot().waiting == 38)
        asked = gevent.spawn(site.report, {'script': 'echo first'})
        site.wait_for(lambda: pool.snapshot().waiting == 39)
        gate.touch()
        assert asked.get()['result'] == {'stdout': ['first\n']}
        site.wait_for(lambda: len(site.harness.record.done) == 40)
        ended = [result.task.origin for result in site.harness.record.results]
        # The two that ran, and one that began with it and was faster.
        assert ended.index('http') <= 3, 'it did not wait for the messages before it'


class Noting(ShellHandler):
    """Returns what it saw when the tasks were made."""

    seen: dict[str, Any] = {}  # noqa: RUF012 - by request

    def http_request_id(self, request: Any, headers: Any) -> str:
        self.seen['headers'] = dict(headers)
        return request['request_id']

    def arrange_http_request(self, request: Any, pending: Any) -> Any:
        self.seen[request['request_id']] = [task.request_id for task in pending]
        return super().arrange_http_request(request, pending)


def test_a_handler_sees_the_tasks_of_other_requests_and_no_token(tmp_path: Path) -> None:
    gate = tmp_path / 'gate'
    waits = {'script': f'until test -e {gate}; do sleep 0.02; done', 'request_id': 'one'}
    with Site(Noting) as site:
        first = gevent.spawn(site.report, waits)
        site.wait_for(lambda: site.harness.worker.snapshot().pool.active == 1)
        site.report({'request_id': 'two'}, token=TOKEN, headers={'X-More': 'yes'})
        gate.touch()
        first.get()
    assert (Noting.seen['one'], Noting.seen['two']) == ([], ['one'])
    assert Noting.seen['headers']['x-more'] == 'yes'
    assert TOKEN not in str(Noting.seen['headers'])
