"""`/history`, `/task/{id}`, and what the API says of the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

import drakkar.api as dk
from drakkar.recorder.events import EVENT_TYPES
from drakkar.ui.data.history import GROUPS
from drakkar.ui.pages.task import MAX_SHOWN_CHARS, bars
from tests.ui.shapes import mismatches
from tests.ui.site import Site, running

HOSTILE = '<script>alert(1)</script>\x1b[31mred\x1b[0m\x00\x07<img src=x onerror=alert(2)>'
HTML = {'Accept': 'text/html'}
# An output of more than a megabyte, after what a terminal or a browser might obey.
LOUD = (
    "printf '<script>alert(3)</script>\\033[31mred\\001\\n'; head -c 1100000 /dev/zero | tr '\\0' x"
)


class Runs(dk.Handler):
    """Runs the script of each message; a failure with exit code 3 is tried once more."""

    def arrange(self, messages: Any, pending: Any) -> list[dk.ExecutorTask]:
        return [
            dk.ExecutorTask(
                args=['-c', m.payload['script'], HOSTILE.replace('\x00', '')],
                source_offsets=[m.offset],
                labels={'who': m.payload['who'], '<b>': HOSTILE},
                task_id=f'task-{m.payload["who"]}',
            )
            for m in messages
        ]

    def on_error(self, task: Any, error: Any) -> Any:
        if error.exit_code == 4:
            return [dk.ExecutorTask(args=['-c', ''], task_id='task-heir')]
        return dk.RETRY if error.exit_code == 3 and error.attempt == 1 else dk.SKIP


@pytest.fixture(scope='module')
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    scripts = {
        'fine': 'echo hello',
        'twice': 'echo "<b>no</b>" >&2; exit 3',
        'loud': f'{LOUD}; exit 5',
        'replaced': 'exit 4',
        'quiet': 'exit 0',
        '../<i>': 'exit 6',
    }
    with running(
        Runs,
        db_dir=str(tmp_path_factory.mktemp('db')),
        flush_interval_seconds=0.05,
        output_min_duration_ms=0,
        output_max_bytes=2_000_000,
        config={
            'executor': {
                'binary_path': '/bin/sh',
                'max_executors': 2,
                'retry_backoff_seconds': 0.01,
            }
        },
    ) as site:
        site.harness.send([{'script': s, 'who': who} for who, s in scripts.items()])
        site.harness.wait_for(lambda: len(site.harness.record.done) == len(scripts))
        site.harness.worker.parts.recorder.flush()
        site.ask('/api/history')  # opens the file for reading, once for all tests
        yield site


def events(site: Site, query: str = '') -> list[dict[str, Any]]:
    answer = site.ask(f'/api/history?{query}')
    assert answer.status == 200, answer.text
    assert answer.json['problem'] == ''
    return answer.json['events']


def test_every_event_type_has_a_toggle():
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(EVENT_TYPES)


@pytest.mark.parametrize(
    ('query', 'expected'),
    [
        ('event=task_failed&task_id=task-loud', ['task_failed']),
        (
            'event=task_failed,task_retried&task_id=task-twice',
            ['task_failed', 'task_retried', 'task_failed'],
        ),
        ('partition=0&offset=3&event=task_started', ['task_started', 'task_started']),
        ('partition=1&event=task_started', []),
        ('origin=http', []),
        ('labels=quiet&event=task_completed', ['task_completed']),
        ('since=1h&event=consumed', ['consumed']),
        ('until=2020-01-01', []),
        ('task_id=%27%20OR%201%3D1%20--', []),
        ('labels=%25', []),
    ],
)
def test_filters(site, query, expected):
    assert [event['event'] for event in events(site, query)] == expected
    page = site.ask(f'/history?{query}', **HTML)
    assert page.status == 200
    assert page.text.count('<li data-event=') == len(expected)


@pytest.mark.parametrize(
    ('query', 'hint'),
    [
        ('event=nothing', "there is no event type 'nothing'"),
        ('partition=x', 'partition must be a whole number'),
        ('partition=-1', 'partition must be from 0'),
        ('origin=mars', 'origin must be one of kafka, log, http'),
        ('since=yesterday', "since: 'yesterday' is no time"),
        ('limit=0', 'limit must be from 1'),
        ('labels=' + 'x' * 201, 'labels may have 200 characters'),
    ],
)
def test_a_filter_that_means_nothing_is_refused(site, query, hint):
    for path in ('/history', '/api/history'):
        answer = site.ask(f'{path}?{query}')
        assert answer.status == 400
        assert hint in answer.json['hint']


def test_pages_follow_each_other(site):
    everything = [event['id'] for event in events(site, 'limit=5000')]
    assert everything == sorted(everything, reverse=True)
    found: list[int] = []
    path = '/history?limit=4'
    while path:
        page = site.ask(path, **HTML).text
        found += map(int, re.findall(r'data-id="(\d+)"', page))
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = f'/history{following[1]}'.replace('&amp;', '&') if following else ''
    assert found == everything


def test_counts_are_those_of_the_file(site):
    answer = site.ask('/api/history/counts').json
    assert answer['counts']['task_failed'] == len(events(site, 'event=task_failed'))


def test_the_filters_of_a_page_stay_in_its_form_and_its_links(site):
    page = site.ask('/history?event=task_failed&partition=0&labels=loud&origin=http', **HTML).text
    assert re.search(r'value="task_failed" checked', page)
    assert re.search(r'id="history-partition"[^>]* value="0"', page)
    assert re.search(r'id="history-labels"[^>]* value="loud"', page)
    assert re.search(r'data-origin="http"[^>]*aria-current="true"', page)
    assert 'href="?event=task_failed&amp;partition=0&amp;labels=loud"' in page  # origin: all


class Markup(HTMLParser):
    """Collects what a page must not have: markup that messages or programs brought in."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.foreign: list[str] = [repr(c) for c in set(page) if c < ' ' and c not in '\n\t\r']
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in ('script', 'img') and not (values.get('src') or '').startswith('/static/'):
            self.foreign.append(f'<{tag} {attrs}>')
        if tag in ('i', 'iframe', 'style') or any(name.startswith('on') for name in values):
            self.foreign.append(f'<{tag} {attrs}>')


@pytest.mark.parametrize(
    'path',
    [
        '/history',
        '/history?labels=%3Cb%3E&task_id=%3Cimg%20src=x%3E&since=1h',
        '/task/task-loud',
        '/task/task-twice',
        '/task/task-..%2F%3Ci%3E',
        '/task/%3Cscript%3E',
        '/debug?tab=trace&q=0:2',
        '/debug?tab=trace&q=%3Cimg%20src=x%20onerror=alert(1)%3E',
        '/debug?tab=databases&q=%3Cb%3E',
    ],
)
def test_what_messages_and_programs_say_is_only_text(site, path):
    page = site.ask(path, **HTML)
    assert page.status in (200, 404)
    assert Markup(page.text).foreign == []


def test_a_label_is_shown_as_it_is_without_control_sequences(site):
    page = site.ask('/task/task-fine', **HTML).text
    assert '&lt;script&gt;alert(1)&lt;/script&gt;red&lt;img src=x onerror=alert(2)&gt;' in page


def test_an_event_shows_the_beginning_of_a_large_output(site):
    (event,) = events(site, 'event=task_failed&task_id=task-loud')
    assert len(event['stdout']) == 2000
    assert event['stdout_length'] > 1_000_000
    assert event['failure']
    page = site.ask('/history?event=task_failed&task_id=task-loud', **HTML).text
    assert f'the first 2,000 of {event["stdout_length"]:,} characters' in page
    assert 'data-state="failed"' in page


def test_a_task_that_ran_twice(site):
    task = site.ask('/api/task/task-twice').json
    assert (task['status'], task['exit_code'], len(task['runs'])) == ('failed', 3, 2)
    assert task['stderr'] == '<b>no</b>\n'
    assert task['labels']['who'] == 'twice'
    assert task['command'].startswith('/bin/sh -c ')
    assert task['source'] == [{'offset': 1, 'url': '/debug?tab=trace&q=0%3A1'}]
    assert [run['action'] for run in task['runs']] == ['retry', 'skip']
    assert {bar['kind'] for bar in task['timeline']} >= {'run', 'wait'}
    page = site.ask('/task/task-twice', **HTML).text
    assert 'id="task-runs"' in page
    assert 'href="/debug?tab=trace&amp;q=0%3A1"' in page
    assert len(re.findall('<rect ', page)) == len(task['timeline'])


def test_a_task_and_what_replaced_it(site):
    task = site.ask('/api/task/task-replaced').json
    assert task['status'] == 'replaced'
    assert [child['task_id'] for child in task['children']] == ['task-heir']
    heir = site.ask('/api/task/task-heir').json
    assert heir['parent']['task_id'] == 'task-replaced'
    assert 'replaces <a href="/task/task-replaced">' in site.ask('/task/task-heir', **HTML).text


def test_an_output_of_a_megabyte_is_cut_on_the_page_and_whole_in_the_json(site):
    task = site.ask('/api/task/task-loud').json
    assert len(task['stdout']) > 1_000_000
    page = site.ask('/task/task-loud', **HTML).text
    assert len(page) < MAX_SHOWN_CHARS + 100_000
    assert f'the first {MAX_SHOWN_CHARS:,} of {len(task["stdout"]):,} characters' in page
    assert '&lt;script&gt;alert(3)&lt;/script&gt;red\n' in page


def test_an_unknown_task_is_told_what_that_may_mean(site):
    answer = site.ask('/api/task/nobody')
    assert (answer.status, answer.json['status']) == (404, 'not_found')
    assert "no task 'nobody' was recorded" in answer.json['hint']
    assert 'no task' in site.ask('/task/nobody', **HTML).text


def test_answers_have_the_shape_that_is_documented(site):
    paths = site.ask('/api/openapi.json').json['paths']
    for path, address in {
        '/api/history': '/api/history?limit=500',
        '/api/history/counts': '/api/history/counts',
        '/api/task/{task_id}': '/api/task/task-twice',
        '/api/trace': '/api/trace?q=0:1',
        '/api/databases': '/api/databases',
    }.items():
        ok = paths[path]['get']['responses']['200']['content']['application/json']['schema']
        assert mismatches(site.ask(address).json, ok) == [], path


def test_bars_are_seen_and_inside_the_scale():
    made = bars(
        [
            {'start': 10.0, 'end': 10.0, 'what': 'a'},
            {'start': 10.0, 'end': 14.0, 'what': 'b'},
            {'start': 14.0, 'end': 14.0, 'what': 'c'},
        ]
    )
    assert [(bar['x'], bar['width']) for bar in made] == [(0, 4), (0, 1000), (1000, 4)]
    assert bars([{'start': 5.0, 'end': 5.0}])[0]['width'] == 4
    assert bars([]) == []


def test_without_a_file_the_last_events_are_shown_from_memory():
    with running(flush_interval_seconds=0.05) as site:
        site.harness.send([{'exit': 0, 'name': 'one'}])
        site.harness.wait_for(lambda: len(site.harness.record.done) == 1)
        site.harness.worker.parts.recorder.flush()
        (event,) = events(site, 'event=task_completed')
        assert site.ask(f'/api/task/{event["task_id"]}').json['status'] == 'completed'
        assert site.ask('/api/trace?q=0:0').json['found']
