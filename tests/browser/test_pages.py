"""Every page, on a desktop and a phone, in light and dark.

With DRAKKAR_TEST_SCREENSHOTS=FOLDER pictures of all of them are left there.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser import checks
from tests.browser.browser import DEVICES, SCHEMES, Browser
from tests.browser.pages import PAGES
from tests.browser.town import SECRET, Town

SCREENSHOTS = os.environ.get('DRAKKAR_TEST_SCREENSHOTS', '')
ANSWERS_404 = {'missing', 'task-unknown'}


@pytest.mark.parametrize('name', PAGES)
def test_page_fits_reads_and_is_quiet(page: Browser, north: Town, name: str) -> None:
    address = PAGES[name].address(north)
    found = []
    for device in DEVICES:
        page.look_as(device)
        page.open(address)
        page.one(PAGES[name].shown)
        for scheme in SCHEMES:
            page.look_as(device, scheme)
            found += [f'{device.name}, {scheme}: {text}' for text in checks.wrong(page)]
            if SCREENSHOTS:
                page.save(Path(SCREENSHOTS) / f'{name}-{device.name}-{scheme}.png')
    assert not found, '\n'.join(found)
    assert not page.js('window.owned'), 'a script of a message ran'
    assert not page.all('#escaped'), 'markup of a message became a part of the page'
    assert SECRET not in page.driver.page_source
    if name in ANSWERS_404:
        told = page.console()  # Chromium tells of any answer like that
        assert all('404' in line for line in told), told
