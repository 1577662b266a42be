"""What the recorder, the live board, the metrics and the UI tell of requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

import drakkar.api as dk
from drakkar.recorder.httpobserver import Few
from drakkar.ui.wiring import add_ui
from tests.webapp.handlers import ShellHandler
from tests.webapp.site import TOKEN, Site

pytestmark = pytest.mark.slow

DEBUG = {
    'enabled': True,
    'port': 0,
    'output_min_duration_ms': 0,
    'ws_min_duration_ms': 0,
    'output_max_bytes': 300,
}


class Out(dk.Payload):
    sink_type = 'out'


class Shown(ShellHandler):
    def on_message_complete(self, group: dk.MessageGroup) -> list[dk.Payload]:
        return [Out({'x': 1})] if group.client_name else []


class Watched(Site):
    """A site with a debug UI and with recorded events."""

    def __init__(self, **webapp: Any) -> None:
        super().__init__(Shown, config={'debug': DEBUG}, sinks=[Out], sinks_enabled=True, **webapp)
        ui = add_ui(self.harness.worker)
        assert ui is not None
        self.ui = ui

    def api(self, path: str) -> Any:
        answer = requests.get(f'http://127.0.0.1:{self.ui.port}{path}', timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json() if path.startswith('/api') else answer.text

    def events(self, query: str = '') -> list[dict[str, Any]]:
        recorder = self.harness.worker.parts.recorder
        assert recorder is not None
        recorder.flush()
        return list(reversed(self.api(f'/api/history?{query}')['events']))

    @property
    def metrics(self) -> dict[str, float]:
        registry = self.harness.worker.parts.registry
        return {
            f'{s.name}{sorted(s.labels.items())}': s.value
            for family in registry.collect()
            for s in family.samples
            if s.name.startswith('drakkar_webapp')
        }


@pytest.fixture
def site() -> Iterator[Watched]:
    with Watched() as site:
        yield site


@pytest.fixture
def hasty() -> Iterator[Watched]:
    """A site that has no patience with its requests."""
    with Watched(request_timeout_seconds=1) as site:
        yield site


def test_a_request_leaves_its_events(site: Watched) -> None:
    body = {'request_id': 'rec-1', 'script': 'echo hi', 'returns': {'password': 'p', 'n': 1}}
    site.report(body, token=TOKEN)
    found = site.events('origin=http')
    assert sorted(e['event'] for e in found) == [
        'arranged',
        'message_complete',
        'produced',
        'sink_delivered',
        'task_completed',
        'task_started',
        'webapp_request_completed',
        'webapp_request_received',
    ]
    assert {(e['client_name'], e['request_id']) for e in found} == {('tenant-A', 'rec-1')}
    assert {e['partition'] for e in found} == {None}
    by_name = {e['event']: e for e in found}
    received = by_name['webapp_request_received']['metadata']
    assert received['body'] == {**body, 'returns': {'password': '***', 'n': 1}}
    assert received['remote'] == '127.0.0.1'
    completed = by_name['webapp_request_completed']
    assert completed['metadata']['code'] == 200
    assert completed['metadata']['response_truncated']
    assert completed['metadata']['response'].startswith('{"request_id":"rec-1"')
    assert len(completed['metadata']['response']) == 300
    assert '"password":"***"' in completed['metadata']['response']
    assert completed['duration'] > 0
    assert by_name['arranged']['metadata']['tasks'] == [by_name['task_started']['task_id']]
    assert by_name['task_started']['place'] == 'tenant-A:rec-1'


def test_messages_and_requests_are_told_apart(site: Watched) -> None:
    site.harness.send([{'script': 'true'}])
    site.wait_for(lambda: site.harness.committed)
    site.report({})
    assert {e['origin'] for e in site.events('origin=http')} == {'http'}
    of_messages = [e for e in site.events() if e['origin'] != 'http']
    assert {e['event'] for e in of_messages} >= {'consumed', 'task_completed', 'committed'}
    assert not any(e['request_id'] for e in of_messages)


def test_what_was_refused_or_timed_out_leaves_events_too(hasty: Watched) -> None:
    hasty.post({}, token='wrong')
    hasty.post({'script': 'sleep 60', 'request_id': 'late'})
    hasty.wait_for(lambda: hasty.heard.of('dropped'))
    by_name = {e['event']: e for e in hasty.events('origin=http')}
    assert by_name['webapp_request_auth_failed']['metadata']['remote'] == '127.0.0.1'
    assert by_name['webapp_request_timeout']['request_id'] == 'late'
    assert by_name['webapp_request_completed']['metadata']['status'] == 'timeout'
    assert by_name['webapp_request_dropped_after_timeout']['metadata'] == {'count': 1}
    failed = by_name['task_failed']
    assert (failed['metadata']['kind'], failed['metadata']['action']) == ('cancelled', 'cancelled')
    counted = hasty.metrics
    key = "[('client', 'anonymous'), ('status', 'timeout')]"
    assert counted[f'drakkar_webapp_requests_total{key}'] == 1
    assert counted[f'drakkar_webapp_request_duration_seconds_count{key}'] == 1
    name = 'drakkar_webapp_dropped_after_timeout_total'
    assert counted[f"{name}[('client', 'anonymous')]"] == 1
    assert counted[f"{name}[('client', 'tenant-A')]"] == 0
    assert counted["drakkar_webapp_requests_total[('client', ''), ('status', 'auth_failed')]"] == 1
    assert counted["drakkar_webapp_rpm_limit[('client', 'tenant-A')]"] == 60
    assert counted['drakkar_webapp_inflight[]'] == 0


def test_rate_limits_leave_an_event() -> None:
    with Watched(clients={'a': {'rpm': 1}}) as site:
        assert [site.post({}).status_code for _ in range(2)] == [200, 429]
        (event,) = site.events('event=webapp_request_rate_limited')
        assert (event['client_name'], event['metadata']['rpm_limit']) == ('a', 1)


def test_the_task_page_shows_request_and_response(site: Watched) -> None:
    site.report({'request_id': 'same', 'script': 'echo first'})
    task_id = site.report({'request_id': 'same', 'script': 'echo second'})['tasks'][0]['task_id']
    site.events()
    task = site.api(f'/api/task/{task_id}')
    assert (task['client_name'], task['request_id']) == ('anonymous', 'same')
    assert task['request']['received']['metadata']['body']['script'] == 'echo second'
    assert 'second' in json.dumps(task['request']['answered']['metadata'])
    page = site.api(f'/task/{task_id}')
    for part in ('HTTP request', 'echo second', 'anonymous', 'Response'):
        assert part in page
    assert 'echo first' not in page


def test_the_live_page_marks_requests(site: Watched) -> None:
    site.report({'request_id': 'live-request-1'}, token=TOKEN)
    live = site.api('/api/live')
    (bar,) = live['bars']
    assert (bar['http'], bar['name']) == (True, 'tenant-A:live-req')
    (call,) = live['arranged']
    assert (call['request'], call['labels']) == ('tenant-A:live-req', ['live-request-1'])
    (collected,) = live['collected']
    assert (collected['http'], collected['name']) == (True, 'tenant-A:live-req')


def test_the_dashboard_has_a_tile(site: Watched) -> None:
    site.report({}, token=TOKEN)
    site.post({}, token='wrong')
    site.post({'raises': 'arrange_http_request'})
    found = site.api('/api/dashboard')['webapp']
    assert {k: found[k] for k in ('in_flight', 'ok', 'errors', 'refused')} == {
        'in_flight': 0,
        'ok': 1,
        'errors': 1,
        'refused': 1,
    }
    assert [(c['name'], c['rpm']) for c in found['clients']] == [
        ('anonymous', 1000),
        ('tenant-A', 60),
    ]
    page = site.api('/')
    assert 'id="webapp"' in page
    assert 'tenant-A' in page


def test_a_flood_of_refusals_does_not_fill_the_file() -> None:
    few = Few(2)
    assert [few.admit('x', 10.0 + n / 10) for n in range(5)] == [0, 0, None, None, None]
    assert few.admit('y', 10.5) == 0
    assert [few.admit('x', 11.0), few.admit('x', 11.1)] == [3, 0]
