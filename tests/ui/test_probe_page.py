"""The Message Probe by HTTP: its form, its reports, what it refuses."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from marshmallow import Schema, fields

import drakkar.api as dk
from drakkar.ui.data.probe import REPORT
from drakkar.ui.request import MAX_BODY_BYTES
from tests.ui.shapes import mismatches
from tests.ui.site import Answer, Site, running
from tests.waiting import until

HOSTILE = '<script>alert(1)</script>'


class Request(Schema):
    name = fields.Str(required=True, metadata={'example': f'</textarea>{HOSTILE}'})
    script = fields.Str(required=True)


class Scripted(dk.Handler):
    """Runs the message's script."""

    input_schema = Request

    def arrange(self, messages: Any, pending: Any) -> list[dk.ExecutorTask]:
        return [
            dk.ExecutorTask(args=['-c', m.payload['script']], source_offsets=[m.offset])
            for m in messages
        ]

    def on_task_complete(self, result: dk.ExecutorResult) -> Any:
        if 'raise' in result.stdout:
            raise ValueError(HOSTILE)


@pytest.fixture(scope='module')
def site() -> Iterator[Site]:
    with running(Scripted) as site:
        warm_up = post(site, value=message('true'))  # its pool lives as long as the worker
        assert warm_up.status == 200
        yield site


def message(script: str) -> str:
    return json.dumps({'name': 'n', 'script': script})


def post(site: Site, path: str = '/api/probe', **body: Any) -> Answer:
    return site.ask(path, 'POST', json.dumps(body), Content_Type='application/json')


@pytest.mark.parametrize('script', ['echo hi', 'echo raise', 'exit 3', f'echo "{HOSTILE}"'])
def test_a_report_has_the_shape_that_is_documented(site: Site, script: str) -> None:
    answer = post(site, value=message(script), topic='t', partition=1, offset=5)
    assert answer.status == 200
    assert mismatches(answer.json, REPORT) == []
    assert answer.json['status'] == 'completed'
    assert answer.json['message']['label'] == '1:5'
    assert answer.headers['Content-Type'] == 'application/json'


def test_what_does_not_decode_is_a_report_too(site: Site) -> None:
    answer = post(site, value='not JSON')
    assert answer.status == 200
    assert mismatches(answer.json, REPORT) == []
    assert 'not JSON' in answer.json['decode']['error']


@pytest.mark.parametrize(
    ('body', 'says'),
    [({}, 'value'), ({'value': 1}, 'value'), ({'value': '', 'offset': -1}, 'offset')],
)
def test_a_mistake_names_the_field(site: Site, body: dict[str, Any], says: str) -> None:
    answer = post(site, **body)
    assert (answer.status, answer.json['status']) == (422, 'invalid_request')
    assert answer.json['hint'].startswith(f'{says}: ')


def test_only_json_of_this_site_within_its_size(site: Site) -> None:
    big = json.dumps({'value': 'x' * MAX_BODY_BYTES})
    assert site.ask('/api/probe', 'POST', big, Content_Type='application/json').status == 413
    assert site.ask('/api/probe', 'POST', 'x', Content_Type='application/json').status == 400
    assert site.ask('/api/probe', 'POST', '{}', Content_Type='text/plain').status == 415
    foreign = {'Content_Type': 'application/json', 'Origin': 'http://evil.example'}
    assert site.ask('/api/probe', 'POST', '{"value":""}', **foreign).status == 403
    assert site.ask('/api/probe', 'GET').status == 405


def test_one_can_be_cancelled_and_a_third_is_refused(site: Site) -> None:
    slow = message('sleep 600')
    two = [gevent.spawn(post, site, value=slow, probe_id=name) for name in ('a', 'b')]
    probe = site.harness.worker.parts.probe
    until(lambda: probe.running == ['a', 'b'])
    third = post(site, value=slow)
    assert (third.status, third.json['status']) == (503, 'capacity')
    for name in ('a', 'b'):
        assert post(site, '/api/probe/cancel', probe_id=name).json == {'cancelled': True}
    assert [g.get(timeout=10).json['status'] for g in two] == ['cancelled'] * 2
    assert post(site, '/api/probe/cancel', probe_id='a').json == {'cancelled': False}
    assert post(site, '/api/probe/cancel').status == 422


def test_the_token_is_needed() -> None:
    with running(Scripted, auth_token='open sesame') as site:
        assert post(site, value='{}').status == 401
        assert post(site, '/api/probe/cancel', probe_id='a').status == 401
        assert site.ask('/debug?tab=probe').status == 401


def test_the_form_begins_with_an_example_of_the_schema(site: Site) -> None:
    page = site.ask('/debug?tab=probe', Accept='text/html').text
    assert HOSTILE not in page
    assert html.escape('"name": "</textarea>', quote=False) in html.unescape(page).replace(
        '</textarea>', '&lt;/textarea&gt;'
    )
    assert 'name="offset"' in page


def test_the_form_names_the_latest_message() -> None:
    with running(Scripted) as site:
        before = site.ask('/debug?tab=probe', Accept='text/html').text
        assert 'those of the latest message consumed' not in before
        site.harness.send([{'name': 'n', 'script': 'true'}] * 3, partition=1)
        site.harness.wait_for(lambda: len(site.harness.record.done) == 3)
        site.harness.worker.parts.recorder.flush()
        page = site.ask('/debug?tab=probe', Accept='text/html').text
    assert 'those of the latest message consumed' in page
    assert 'name="partition" type="number" min="0" max="2147483647" step="1" value="1"' in page
    assert 'pattern="[0-9]{1,18}" value="2"' in page
