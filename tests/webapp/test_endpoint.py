"""Requests through a whole worker, over HTTP."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.webapp.handlers import ShellHandler
from tests.webapp.site import CLIENTS, TOKEN, Site, stages

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def site() -> Iterator[Site]:
    with Site(ShellHandler, clients={**CLIENTS, 'tenant-A': {'token': TOKEN, 'rpm': 1000}}) as site:
        yield site


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
