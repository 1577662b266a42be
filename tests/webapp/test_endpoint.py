"""Requests through a whole worker, over HTTP."""

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
from tests.webapp.site import CLIENTS, TOKEN, Site

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def site() -> Iterator[Site]:
    with Site(ShellHandler, clients={**CLIENTS, 'tenant-A': {'token': TOKEN, 'rpm': 1000}}) as site:
        yield site


def stages(report: dict[str, Any]) -> list[str]:
    return [stage['stage'] for stage in report['timeline']]


def test_a_request_is_worked_on_and_answered_with_a_report(site: Site) -> None:
    before = time.time()
    answer = site.post({'script': 'echo hello', 'request_id': 'manual-1'}, token=TOKEN)
    report = answer.json()
    assert answer.headers['Content-Type'] == 'application/json'
    assert list(report) == [
        'request_id',
        'client',
        'started_at',
        'finished_at',
        'duration_ms',
        'status',
        'result',
        'tasks',
        'task_summary',
        'cache',
        'sinks',
        'timeline',
        'error',
    ]
    (task,) = report.pop('tasks')
    assert re.fullmatch(r'[0-9a-f]{8}-\d+', task.pop('task_id'))
    assert 0 < task.pop('duration_ms') <= report['duration_ms'] < (time.time() - before) * 1000 + 1
    assert task == {'exit_code': 0, 'retries': 0}
    assert stages(report) == ['receive', 'parse', 'arrange', 'execute', 'deliver', 'complete']
    assert {k: report[k] for k in ('request_id', 'client', 'status', 'result', 'error')} == {
        'request_id': 'manual-1',
        'client': 'tenant-A',
        'status': 'ok',
        'result': {'stdout': ['hello\n']},
        'error': None,
    }
    assert report['task_summary'] == {'total': 1, 'success': 1, 'failed': 0}
    assert (report['cache'], report['sinks']) == ({'hits': 0, 'misses': 0}, None)
    assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z', report['started_at'])
    assert report['started_at'] <= report['finished_at']


def test_tasks_carry_origin_client_and_request(site: Site) -> None:
    site.report({'request_id': 'who-1'}, token=TOKEN)
    task = next(t for t in site.heard.of('arranged')[-1])
    assert (task.origin, task.client_name, task.request_id) == ('http', 'tenant-A', 'who-1')


def test_failed_tasks_are_told_and_retries_counted(site: Site, tmp_path: Path) -> None:
    script = f'test -e {tmp_path}/x || {{ touch {tmp_path}/x; exit 75; }}'
    (task,) = site.report({'script': script})['tasks']
    assert (task['exit_code'], task['retries']) == (0, 1)
    report = site.report({'script': 'exit 3', 'times': 2})
    assert [t['exit_code'] for t in report['tasks']] == [3, 3]
    assert report['task_summary'] == {'total': 2, 'success': 0, 'failed': 2}
    assert report['status'] == 'ok'


def test_precomputed_tasks_and_none_at_all(site: Site) -> None:
    report = site.report({'precomputed': True, 'times': 3})
    assert report['result'] == {'stdout': ['ready'] * 3}
    report = site.report({'times': 0})
    assert report['task_summary'] == {'total': 0, 'success': 0, 'failed': 0}
    assert report['tasks'] == []


def test_the_id_may_come_from_a_header_or_is_made(site: Site) -> None:
    assert site.report({}, headers={'x-request-id': 'abc-1'})['request_id'] == 'abc-1'
    made = site.report({})['request_id']
    assert re.fullmatch('[0-9a-f]{32}', made)


@pytest.mark.parametrize('bad', ['two words', 'x' * 65, 'id-ü', 'a\tb'])
def test_an_id_that_is_none_is_replaced(site: Site, bad: str) -> None:
    report = site.report({'request_id': bad})
    assert re.fullmatch('[0-9a-f]{32}', report['request_id'])


# What is refused


@pytest.mark.parametrize(
    'token', ['', 'wrong', TOKEN + 'x', TOKEN[:-1], TOKEN.upper(), 'ä'.encode().decode('latin-1')]
)
def test_a_token_of_nobody_is_refused(site: Site, token: str) -> None:
    answer = site.post({}, token=token)
    assert (answer.status_code, answer.json()['status']) == (401, 'auth_failed')
    assert answer.headers['WWW-Authenticate'] == 'Bearer realm="drakkar"'
    assert site.heard.answered[-1] == ('', 'auth_failed')
    assert site.heard.of('auth_failed')[-1] == '127.0.0.1'


@pytest.mark.parametrize('header', [f'Basic {TOKEN}', TOKEN, f'Bearer {TOKEN} x', 'Bearer'])
def test_a_malformed_header_is_not_anonymous(site: Site, header: str) -> None:
    assert site.post({}, headers={'Authorization': header}).status_code == 401


def test_without_a_token_one_is_anonymous_where_that_is_configured(site: Site) -> None:
    assert site.report({})['client'] == 'anonymous'
    with Site(ShellHandler, clients={'a': {'token': 'x'}}) as closed:
        assert closed.post({}).status_code == 401
        assert closed.report({}, token='x')['client'] == 'a'


@pytest.mark.parametrize(
    ('body', 'said', 'errors'),
    [
        (b'', 'empty', {}),
        (b'{', 'not JSON', {}),
        (b'\xff', 'not JSON', {}),
        (b'[' * 100_000, 'not JSON', {}),
        (b'3', 'does not fit', {'_schema': ['Invalid input type.']}),
        ({'times': 'x'}, 'does not fit', {'times': ['Not a valid integer.']}),
        ({'nobody': 1}, 'does not fit', {'nobody': ['Unknown field.']}),
    ],
)
def test_what_does_not_fit_is_told_by_field(site: Site, body: Any, said: str, errors: Any) -> None:
    answer = site.post(body)
    found = answer.json()
    assert (answer.status_code, found['status']) == (422, 'invalid_request')
    assert said in found['error']
    assert found['errors'] == errors
    assert site.heard.answered[-1] == ('anonymous', 'invalid_request')


@pytest.mark.parametrize(
    ('method', 'path', 'code', 'status'),
    [
        ('POST', '/other', 404, 'not_found'),
        ('POST', '/process/', 404, 'not_found'),
        ('GET', '/', 404, 'not_found'),
        ('GET', '/process', 405, 'method_not_allowed'),
        ('PUT', '/process', 405, 'method_not_allowed'),
        ('POST', '/openapi.json', 405, 'method_not_allowed'),
        ('BREW', '/process', 405, 'method_not_allowed'),
    ],
)
def test_wrong_places_and_methods(
    site: Site, method: str, path: str, code: int, status: str
) -> None:
    url = site.url.removesuffix('/process') + path
    answer = requests.request(method, url, timeout=10)
    assert (answer.status_code, answer.json()['status']) == (code, status)
    if code == 405:
        assert answer.headers['Allow'] == ('POST' if path == '/process' else 'GET, HEAD')


@pytest.mark.parametrize(
    'headers',
    [
        {'Content-Type': 'text/plain'},
        {'Content-Type': ''},
        {'Content-Type': 'application/json; charset=latin-1'},
        {'Content-Type': 'application/jsonx'},
        {'Content-Type': 'application/json', 'Content-Encoding': 'gzip'},
    ],
)
def test_only_plain_json_is_taken(site: Site, headers: dict[str, str]) -> None:
    answer = site.post({}, headers=headers)
    assert (answer.status_code, answer.json()['status']) == (415, 'unsupported_media_type')


@pytest.mark.parametrize(
    'kind', ['application/json', 'Application/JSON; charset="UTF-8"', 'application/vnd.x+json']
)
def test_forms_of_json(site: Site, kind: str) -> None:
    assert site.post({}, headers={'Content-Type': kind}).status_code == 200


def test_the_61st_request_in_a_minute_waits() -> None:
    with Site(ShellHandler) as site:
        ready = {'precomputed': True}
        codes = [site.post(ready, token=TOKEN).status_code for _ in range(60)]
        assert codes == [200] * 60
        answer = site.post(ready, token=TOKEN)
        said = answer.json()
        assert (answer.status_code, said['status'], said['rpm_limit']) == (429, 'rate_limited', 60)
        assert 1 <= int(answer.headers['Retry-After']) <= 60
        assert said['retry_after_seconds'] == int(answer.headers['Retry-After'])
        assert 'send messages to' in said['hint']
        assert site.heard.of('rate_limited') == ['tenant-A']
        assert site.post(ready).status_code == 200, 'others are not held back'
        (anonymous, tenant) = site.harness.worker.snapshot().webapp.clients  # type: ignore[union-attr]
        assert (anonymous.name, anonymous.ok, anonymous.refused) == ('anonymous', 1, 0)
        assert (tenant.rpm, tenant.ok, tenant.refused) == (60, 60, 1)


# What fails


@pytest.mark.parametrize(
    'hook', ['http_request_id', 'arrange_http_request', 'on_http_request_complete']
)
def test_a_hook_that_raises_is_an_error_without_a_traceback(site: Site, hook: str) -> None:
    answer = site.post({'raises': hook})
    assert (answer.status_code, answer.json()['status']) == (500, 'error')
    assert hook in answer.json()['error']
    assert 'secret' not in answer.text
    assert site.harness.record.hook_errors[-1][0] == hook
    assert site.post({}).status_code == 200


def test_a_result_that_is_no_json_is_an_error(site: Site) -> None:
    answer = site.post({'returns': 'set'})
    assert (answer.status_code, answer.json()['status']) == (500, 'error')
    assert answer.json()['task_summary']['success'] == 1


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


def test_a_request_with_priority_overtakes_the_messages_that_wait() -> None:
    with Site(Hurried, config={'executor': {'max_executors': 2, 'window_size': 1}}) as site:
        site.harness.send([{'script': 'sleep 0.05'}] * 40)
        site.wait_for(lambda: site.harness.worker.snapshot().pool.waiting >= 10)
        report = site.report({'script': 'echo first'})
        done = len(site.harness.record.done)
        assert report['result'] == {'stdout': ['first\n']}
        assert done < 20, 'it did not wait for the messages before it'
        (wait,) = [r.queue_seconds for r in site.harness.record.results if r.task.origin == 'http']
        assert wait < 0.5
        site.wait_for(lambda: len(site.harness.record.done) == 40)


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
