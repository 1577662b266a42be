"""Fixtures: one browser and one town of workers for all tests, and a tab that is watched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from integration.servers.fixtures import REQUIRE
from tests.browser import chromium, town
from tests.browser.browser import Browser
from tests.browser.town import Town

LONGEST_SECONDS = 120  # the first test starts a browser and two workers, on any machine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(LONGEST_SECONDS))


@pytest.fixture(scope='session')
def browser() -> Iterator[Browser]:
    """A Chromium without a window; skips the test where there is none."""
    lacks = chromium.missing()
    if lacks:
        reason = f'no {lacks} on PATH (on Debian: apt-get install chromium chromium-driver)'
        if os.environ.get(REQUIRE) == '1':
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    driver = chromium.start()
    try:
        yield Browser(driver)
    finally:
        driver.quit()


@pytest.fixture(scope='session')
def north(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Two workers that share log and recordings, with all kinds of work behind them."""
    folder = tmp_path_factory.mktemp('north')
    with town.running(folder) as found:
        yield found


@pytest.fixture
def tab(browser: Browser) -> Iterator[Browser]:
    """A tab as on a desktop. The test fails where the console said anything, or a request left
    for another host than a worker of this machine."""
    browser.look_as()
    browser.console(), browser.requests()
    yield browser
    browser.driver.get('about:blank')
    told, asked = browser.console(), browser.requests()
    assert not told, told
    strange = [url for url in asked if not is_here(url)]
    assert not strange, strange


@pytest.fixture
def page(tab: Browser, north: Town) -> Browser:
    """A tab whose paths are those of the town's first worker."""
    tab.base = north.first.url
    return tab


def is_here(url: str) -> bool:
    parts = urlsplit(url)
    return parts.hostname == '127.0.0.1' or parts.scheme in ('about', 'data', 'blob')
