"""A worker with a token: nobody looks in without it, and it is written nowhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser import town
from tests.browser.browser import Browser
from tests.browser.town import Worker

TOKEN = 'let-me-in-3f9a'


@pytest.fixture(scope='module')
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    folder = tmp_path_factory.mktemp('guarded')
    town.build(folder)
    with Worker(folder, 'guard', f'debug.auth_token={TOKEN}') as worker:
        worker.wait_for_line('running')
        yield worker


@pytest.fixture
def stranger(tab: Browser, guarded: Worker) -> Iterator[Browser]:
    """A tab that has no cookie of the worker's."""
    tab.base = guarded.url
    tab.driver.delete_all_cookies()
    yield tab
    tab.driver.get(guarded.url)
    tab.driver.delete_all_cookies()
    tab.console()


@pytest.mark.parametrize('path', ['/', '/history', '/debug?tab=probe', '/api/dashboard'])
def test_without_the_token_nothing_is_shown(stranger: Browser, path: str) -> None:
    stranger.open(path)
    assert stranger.js('performance.getEntriesByType("navigation")[0].responseStatus') == 401
    assert 'guard' not in stranger.text('body')
    assert all('401' in line for line in stranger.console())


def test_the_token_in_the_address_opens_every_page(stranger: Browser, guarded: Worker) -> None:
    stranger.open(f'/?token={TOKEN}')
    stranger.wait_text('h1', 'Dashboard')
    assert TOKEN not in stranger.driver.current_url, 'the token stays in the address'
    stranger.until('document.body.dataset.connection === "live"', 'the WebSocket is let in')
    stranger.leave_by('nav a[href="/history"]')
    stranger.one('#history-form')
    assert TOKEN not in guarded.said
    assert '/history' not in guarded.said, 'requests are logged'


def test_the_form_takes_the_token(stranger: Browser) -> None:
    stranger.open('/sinks')
    stranger.type('#token', 'wrong')
    stranger.leave_by('#login button')
    stranger.wait_text('#login [role=alert]', 'not the token')
    stranger.console()  # it told of 401, twice
    stranger.type('#token', TOKEN)
    stranger.leave_by('#login button')
    stranger.wait_path('/sinks')
    stranger.one('#sinks')
