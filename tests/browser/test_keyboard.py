"""Everything can be reached and pressed without a mouse."""

from __future__ import annotations

from selenium.webdriver import Keys

from tests.browser.browser import Browser
from tests.browser.town import Town


def test_skip_link_is_first_and_leads_to_the_content(page: Browser) -> None:
    page.open('/')
    assert page.tab() == '#content'
    assert page.js('document.activeElement.getBoundingClientRect().top') >= 0, 'it is not seen'
    page.press(Keys.ENTER)
    page.until('document.activeElement.id === "content"')


def test_tab_goes_through_the_head_to_the_content(page: Browser) -> None:
    page.open('/')
    order = [page.tab() for _ in range(10)]
    pages = ['/', '/partitions', '/sinks', '/live', '/history', '/debug']
    assert order[:9] == ['#content', '/', *pages, 'summary'], order


def test_focus_is_seen(page: Browser) -> None:
    page.open('/')
    for _ in range(4):
        page.tab()
        ring = page.js('getComputedStyle(document.activeElement).outlineStyle')
        assert ring not in ('none', ''), page.js('document.activeElement.outerHTML')


def test_worker_menu_and_toggles_open_by_keys(page: Browser) -> None:
    page.open('/history')
    page.js('document.querySelector("#worker-switcher summary").focus()')
    page.press(Keys.ENTER)
    page.until('document.querySelector("#worker-switcher").open')
    page.js('document.querySelector("#event-types summary").focus()')
    page.press(Keys.ENTER)
    page.until('document.querySelector("#event-types").open')
    assert page.tab() == 'input'
    first = page.js('document.activeElement.value')
    page.press(Keys.SPACE)
    page.wait_path(f'/history?event={first}')


def test_tabs_of_the_live_page_follow_arrows(page: Browser) -> None:
    page.open('/live')
    page.js('document.querySelector("#tab-executors").focus()')
    page.press(Keys.ARROW_RIGHT)
    page.until('document.querySelector("#tab-arrange").ariaSelected === "true"')
    assert page.shown('#live-arrange')
    assert not page.shown('#live-executors')
    page.press(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    page.until('document.querySelector("#tab-collect").ariaSelected === "true"')


def test_table_is_sorted_by_keys(page: Browser, north: Town) -> None:
    page.open('/partitions')
    page.js('document.querySelector("#partitions thead th:first-child button").focus()')
    page.press(Keys.ENTER, Keys.ENTER)
    head = 'document.querySelector("#partitions thead th:first-child").ariaSort'
    page.until(f'{head} === "descending"')
    shown = page.texts('#partitions tbody th')
    assert shown == sorted(shown, key=int, reverse=True)
