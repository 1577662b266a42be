"""The page of one task: all that is known of its life."""

from __future__ import annotations

from tests.browser.browser import Browser
from tests.browser.pages import PAGES
from tests.browser.town import MARKUP, SECTION, Town


def test_completed_task(page: Browser, north: Town) -> None:
    said = north.first.event('event=task_completed&labels=req-')
    page.open(f'/task/{said["task_id"]}')
    name = said['labels']['request_id']
    assert page.text('#task-status') == '✓ completed'
    assert f'request_id={name} pattern=ok' in page.text('#task-labels')
    assert page.text('#task-command').split()[:3] == ['./program', 'ok', name]
    assert page.text('#task-exit-code') == '0'
    assert page.text('#task-pid') == str(said['pid'])
    assert page.text('#stdout').strip() == f'found {name}'
    assert page.text('#stderr').strip() == 'a note'
    assert 's' in page.text('#task-duration')
    bars = page.texts('#task-timeline .bar-name')
    for what in ('arranged', 'run 1', 'on_task_complete', 'sink_delivered filesystem.out'):
        assert any(bar.startswith(what) for bar in bars), (what, bars)
    kinds = page.data('#task-events > li', 'event')
    assert {'task_started', 'task_completed', 'task_complete'} <= set(kinds)
    offset = page.text('#task-offsets')
    page.leave_by('#task-offsets a')
    page.wait_text('#trace-events', name)
    assert page.js('document.querySelector("#trace-q").value').endswith(f':{offset}')


def test_failed_task_says_why(page: Browser, north: Town) -> None:
    page.open(PAGES['task-failed'].address(north))
    assert page.text('#task-status') == '✕ failed'
    assert page.text('#task-exit-code') == '3'
    assert 'no such thing: fail-' in page.text('#stderr')


def test_retried_task_has_its_runs(page: Browser, north: Town) -> None:
    page.open(PAGES['task-retried'].address(north))
    assert page.text('#task-status') == '✓ completed'
    first, second = page.texts('#task-runs tbody tr')
    assert 'failed' in first
    assert '75' in first
    assert 'retry' in first
    assert 'not yet' in first
    assert 'completed' in second


def test_replaced_task_and_its_replacement_know_each_other(page: Browser, north: Town) -> None:
    failed = north.first.event('event=task_failed&labels=replace-')['task_id']
    page.open(f'/task/{failed}')
    child = page.text('#task-family a')
    page.leave_by('#task-family a')
    assert page.path() == f'/task/{child}'
    assert page.text('#task-family a') == failed


def test_hostile_output_is_text(page: Browser, north: Town) -> None:
    page.open(PAGES['task-hostile'].address(north))
    for css in ('#stdout', '#stderr'):
        assert MARKUP in page.text(css)
        assert SECTION in page.text(css)
        assert 'red' in page.text(css)
        assert not any(
            c in page.js(f'document.querySelector("{css}").textContent') for c in '\x1b\x07'
        )
    assert MARKUP in page.text('#task-labels')
    assert page.js('document.title').startswith('Task')
    assert not page.all('main script, main img')
