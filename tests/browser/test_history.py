"""The history: toggles, filters, pages of it, and addresses that say all of that."""

from __future__ import annotations

from tests.browser.browser import Browser
from tests.browser.town import Town


def events(page: Browser) -> list[str]:
    return page.data('#history-events > li', 'event')


def test_toggles_choose_types_and_are_in_the_address(page: Browser) -> None:
    page.open('/history')
    page.click('#event-types summary')
    # At once: on a slow machine the page may go to the first before the second is clicked.
    page.js(
        '["task_failed", "dlq_sent"].forEach((event) =>'
        ' document.querySelector(`.toggle:has([value=${event}])`).click())'
    )
    page.wait_path('/history?event=task_failed&event=dlq_sent')
    assert set(events(page)) == {'task_failed', 'dlq_sent'}
    assert len(events(page)) == 7  # 4 failed runs; 3 letters: failed, undeliverable, not JSON
    assert page.js('[...document.querySelectorAll("[name=event]:checked")].map(e => e.value)') == [
        'task_failed',
        'dlq_sent',
    ]
    page.click('.toggle:has([value=dlq_sent])')
    page.until('!location.search.includes("dlq_sent") && document.readyState === "complete"')
    assert set(events(page)) == {'task_failed'}


def test_partition_filter(page: Browser, north: Town) -> None:
    number = north.first.partitions()[1]
    page.open('/history?event=message_complete')
    page.type('#history-partition', str(number))
    page.leave_by('#history-form button')
    assert f'partition={number}' in page.path()
    places = page.texts('#history-events .where')
    assert places
    assert all(place.startswith(f'{number}:') for place in places)


def test_origin_filter(page: Browser) -> None:
    page.open('/history')
    assert page.texts('#origin-filter .chip') == ['all', 'log', 'http']
    page.leave_by('#origin-filter [data-origin=http]')
    page.one('#history-empty')
    page.leave_by('#origin-filter [data-origin=log]')
    assert page.path() == '/history?origin=log'
    assert events(page)
    assert page.texts('#origin-filter [aria-current]') == ['log']


def test_older_events_are_a_page_away(page: Browser, north: Town) -> None:
    page.open('/history?event=task_completed')
    seen: list[str] = []
    while True:
        seen += page.data('#history-events > li', 'id')
        if not page.all('.pager [rel=next]'):
            break
        page.leave_by('.pager [rel=next]')
    assert len(seen) == len(set(seen)) == north.first.api('dashboard')['stats']['completed']
    assert seen == sorted(seen, key=int, reverse=True)
    page.leave_by('.pager [rel=prev]')
    assert page.path() == '/history?event=task_completed'


def test_event_opens_and_leads_to_task_and_trace(page: Browser) -> None:
    page.open('/history?event=task_failed&labels=fail-')
    page.click('#history-events summary .words')
    page.wait_text('#history-events .detail', 'no such thing: fail-')
    task = page.text('#history-events .of-task a')
    assert page.leave_by('#history-events .of-task a') == f'/task/{task}'
    page.driver.back()
    page.wait_path('/history?event=task_failed&labels=fail-')
    page.leave_by('#history-events .where a')
    assert page.path().startswith('/debug?tab=trace')


def test_times_are_relative_with_the_exact_time_beside(page: Browser) -> None:
    page.open('/history?event=assigned')
    when = '#history-events time'
    page.until(f'document.querySelector("{when}").innerText.match(/ago|now/)')
    assert page.js(f'document.querySelector("{when}").title').endswith('Z)')
