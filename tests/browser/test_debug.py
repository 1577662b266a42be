"""The debug page's tabs: metrics, trace, databases, periodic methods and the Message Probe."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.browser.browser import Browser
from tests.browser.town import MARKUP, Town
from tests.services.server import wait_for


def test_metrics_are_filtered_by_source_and_words(page: Browser) -> None:
    page.open('/debug')
    page.leave_by('.chip[data-source=user]')
    assert page.path() == '/debug?tab=metrics&source=user'
    assert page.texts('#metrics .metric code') == ['town_found_total']
    page.wait_text('#metrics .metric', 'Things found, as <b>the town</b> counts them.')
    page.leave_by('.chip[data-source=""]')
    page.type('#metrics-q', 'lag partition')
    page.wait_text('#metrics', 'drakkar_offset_lag')
    shown = page.texts('#metrics .metric code')
    assert 1 <= len(shown) < 8, shown
    assert 'q=lag' in page.path()
    page.type('#metrics-q', 'nothing-like-this')
    page.until('!document.querySelector("#metrics-empty").hidden')


def test_metric_values_agree_with_the_api(page: Browser, north: Town) -> None:
    page.open('/debug?q=dlq_messages')
    said = north.first.metric('drakkar_dlq_messages_total')
    assert page.texts('#metrics .reading') == [f'{said:.0f}']


def test_trace_by_partition_and_offset_shows_every_step(page: Browser, north: Town) -> None:
    number = north.first.partitions()[0]
    page.open('/debug?tab=trace')
    assert page.js('document.activeElement.id') == 'trace-q'
    page.type('#trace-q', f'{number}:1')
    page.leave_by('#trace-form button')
    seen = page.data('#trace-events > li', 'event')
    expected = ['consumed', 'arranged', 'task_started', 'task_completed', 'task_complete']
    expected += ['message_complete', 'sink_delivered', 'committed']
    assert [event for event in dict.fromkeys(seen) if event in expected] == expected, seen
    assert 'produced' in seen  # when depends on the messages beside it: a row is of several


def test_trace_finds_the_message_of_another_worker(page: Browser, north: Town) -> None:
    number = north.second.partitions()[0]
    north.second.event(f'event=sink_delivered&partition={number}')
    page.open(f'/debug?tab=trace&q={number}:3')
    assert set(page.data('#trace-events > li', 'worker')) == {'floki'}
    assert 'task_failed' in page.data('#trace-events > li', 'event')


def test_trace_by_label(page: Browser, north: Town) -> None:
    number = north.first.partitions()[0]
    page.open(f'/debug?tab=trace&q=request_id=skip-{number}')
    assert 'task_failed' in page.data('#trace-events > li', 'event')
    page.type('#trace-q', 'window.owned')
    page.leave_by('#trace-form button')
    assert not page.js('window.owned')
    page.type('#trace-q', MARKUP)
    page.leave_by('#trace-form button')
    page.wait_text('main', '<script>window.owned=1</script>')


def test_databases_are_sorted_filtered_and_downloaded(
    page: Browser, north: Town, tmp_path: Path
) -> None:
    page.open('/debug?tab=databases')
    assert len(page.texts('#databases tbody tr')) >= 2
    page.click('#databases thead th:nth-child(3) button')
    page.until('document.querySelector("#databases th:nth-child(3)").ariaSort === "ascending"')
    workers = page.texts('#databases tbody td:nth-child(3)')
    assert workers == sorted(workers)
    page.type('#databases-q', 'ragnar')
    page.until('document.querySelector("#databases [data-file^=floki]").hidden')
    (name,) = page.texts('#databases tbody th')
    page.cdp('Browser.setDownloadBehavior', behavior='allow', downloadPath=str(tmp_path))
    page.click('#databases tbody tr:not([hidden]) th a')
    wait_for(lambda: (tmp_path / name).exists(), 'the file is downloaded')
    with closing(sqlite3.connect(tmp_path / name)) as copy:
        (count,) = copy.execute('SELECT count(*) FROM events WHERE event = "consumed"').fetchone()
        assert count >= 1
        (worker,) = copy.execute(
            "SELECT value FROM worker_config WHERE key = 'worker_id'"
        ).fetchone()
    assert json.loads(worker) == 'ragnar'


def test_databases_are_merged(page: Browser, north: Town) -> None:
    page.open('/debug?tab=databases')
    assert not page.one('#merge-button').is_enabled()
    page.click('#databases [data-file^=floki] input')
    page.click('#databases [data-file^=ragnar] input')
    page.click('#merge-button')
    page.wait_text('#merge-status', 'events of 2 files (floki, ragnar)')
    page.leave_by('#merge-status a:last-child')
    (merged,) = page.data('#databases [data-file^=merged]', 'file')
    with closing(sqlite3.connect(north.folder / 'recorded' / merged)) as file:
        found = file.execute('SELECT DISTINCT worker FROM events ORDER BY 1').fetchall()
    assert found == [('floki',), ('ragnar',)]


def test_periodic_methods_and_their_errors(page: Browser) -> None:
    page.open('/debug?tab=periodic')
    assert sorted(page.data('#periodic tbody tr', 'method')) == ['stumble', 'sweep']
    page.wait_text('#periodic [data-method=stumble]', 'RuntimeError: stumbled <i>over</i> this')
    runs = '#periodic [data-method=sweep] td:nth-child(4)'
    page.js('window.stays = true')
    before = int(page.text(runs))
    page.until(f'Number(document.querySelector("{runs}").innerText) > {before}', 'it runs on')
    assert page.js('window.stays')


def test_probe_runs_a_message_without_a_trace(page: Browser, north: Town) -> None:
    before = north.first.api('dashboard')
    page.open('/debug?tab=probe')
    page.type('#probe-value', json.dumps({'do': 'ok', 'name': 'only-a-probe', 'tasks': 2}))
    page.click('#probe-run')
    page.wait_text('#probe-summary', 'Completed')
    facts = page.text('#probe-summary')
    assert '2 → filesystem.out' in facts
    assert '1 → filesystem.audit' in facts
    assert len(page.texts('#probe-tasks article')) == 2
    page.wait_text('#probe-tasks', 'found only-a-probe')
    page.wait_text('#probe-annotations', 'only-a-probe')
    after = north.first.api('dashboard')
    assert after['stats'] == before['stats']
    assert not north.first.events('labels=only-a-probe')
    results = [path.read_text() for path in (north.folder / 'results').glob('*.jsonl')]
    assert not any('only-a-probe' in text for text in results)


def test_probe_shows_failures_and_hostile_output_as_text(page: Browser) -> None:
    page.open('/debug?tab=probe')
    page.type('#probe-value', json.dumps({'do': 'fail', 'name': MARKUP}))
    page.click('#probe-run')
    page.wait_text('#probe-summary', 'Would be dead-lettered')
    page.wait_text('#probe-tasks', f'no such thing: {MARKUP}')
    assert not page.js('window.owned')
    page.type('#probe-value', 'not { json')
    page.click('#probe-run')
    page.wait_text('#probe-report', 'not JSON')
