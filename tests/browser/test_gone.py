"""A worker that goes away under a page, and comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from integration.servers import ports
from tests.browser import town
from tests.browser.browser import Browser
from tests.browser.town import Worker

SAYS_GONE = 'document.body.dataset.connection === "gone"'
SAYS_LIVE = 'document.body.dataset.connection === "live"'


@pytest.mark.parametrize('path', ['/', '/live'])
def test_page_says_that_its_worker_is_gone_and_goes_on_with_the_next(
    tab: Browser, tmp_path: Path, path: str
) -> None:
    town.build(tmp_path)
    (port,) = ports.pick()
    with Worker(tmp_path, 'olaf', port=port) as worker:
        tab.base = worker.url
        tab.open(path)
        tab.until(SAYS_LIVE)
        assert not tab.shown('#connection-banner')
        worker.process.kill()
        worker.wait()
        tab.until(SAYS_GONE)
        tab.wait_text('#connection-banner', 'Worker gone')
        assert tab.js('getComputedStyle(document.querySelector("main")).opacity') != '1'
    with Worker(tmp_path, 'olaf', port=port) as worker:
        worker.wait_for_line('running')
        tab.js('window.stays = true')
        tab.until(SAYS_LIVE, seconds=45)
        assert not tab.shown('#connection-banner')
        # It is the same page, and what it shows is of the new worker.
        (worker.folder / 'go').touch()
        worker.give(0, {'do': 'ok', 'name': 'after'})
        if path == '/':
            tab.until('document.querySelector("#card-completed .stat-value").innerText === "1"')
        else:
            tab.wait_text('#live-finished', 'after')
        assert tab.js('window.stays')
        tab.driver.get('about:blank')  # or it would miss this worker, too
    # Besides the WebSocket, a page asks for itself every few seconds.
    assert all('WebSocket' in line or 'net::ERR_' in line for line in tab.console())
