"""Every page, on a desktop and a phone, in light and dark."""

from __future__ import annotations

import pytest

from tests.browser import checks
from tests.browser.browser import Browser
from tests.browser.pages import PAGES
from tests.browser.town import SECRET, Town

ANSWERS_404 = {'missing', 'task-unknown'}


@pytest.mark.parametrize('name', PAGES)
def test_page_fits_reads_and_is_quiet(page: Browser, north: Town, name: str) -> None:
    found = checks.wrong_anywhere(page, name, PAGES[name].address(north), PAGES[name].shown)
    assert not found, '\n'.join(found)
    assert not page.js('window.owned'), 'a script of a message ran'
    assert not page.all('#escaped'), 'markup of a message became a part of the page'
    assert SECRET not in page.driver.page_source
    if name in ANSWERS_404:
        told = page.console()  # Chromium tells of any answer like that
        assert all('404' in line for line in told), told
