"""What holds for every page, whatever it shows: it fits, it can be read, and it can be reached.

With DRAKKAR_TEST_SCREENSHOTS=FOLDER pictures of all pages are left there.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.browser.browser import DEVICES, SCHEMES, Browser

SCREENSHOTS = os.environ.get('DRAKKAR_TEST_SCREENSHOTS', '')
_CHECKS = Path(__file__).with_name('checks.js').read_text()


def wrong(browser: Browser) -> list[str]:
    """Return what is wrong with the page that is shown, by what any page has to keep."""
    names = ['sideways', 'unnamed', 'pale', 'cut']
    if browser.device.touch:
        names.append('small')
    calls = ', '.join(f'...{name}().map((w) => `{name}: ${{w}}`)' for name in names)
    return list(browser.driver.execute_script(f'{_CHECKS}\nreturn [{calls}]'))


def wrong_anywhere(browser: Browser, name: str, address: str, shown: str) -> list[str]:
    """Open a page on every device, in every scheme, and return what is wrong with it.

    `shown` is an element that is there when the page has all it will show at first.
    """
    found = []
    for device in DEVICES:
        browser.look_as(device)
        browser.open(address)
        browser.one(shown)
        for scheme in SCHEMES:
            browser.look_as(device, scheme)
            found += [f'{device.name}, {scheme}: {text}' for text in wrong(browser)]
            if SCREENSHOTS:
                browser.save(Path(SCREENSHOTS) / f'{name}-{device.name}-{scheme}.png')
    return found
