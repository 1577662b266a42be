"""What holds for every page, whatever it shows: it fits, it can be read, and it can be reached."""

from __future__ import annotations

from pathlib import Path

from tests.browser.browser import Browser

_CHECKS = Path(__file__).with_name('checks.js').read_text()


def wrong(browser: Browser) -> list[str]:
    """Return what is wrong with the page that is shown, by what any page has to keep."""
    names = ['sideways', 'unnamed', 'pale', 'cut']
    if browser.device.touch:
        names.append('small')
    calls = ', '.join(f'...{name}().map((w) => `{name}: ${{w}}`)' for name in names)
    return list(browser.driver.execute_script(f'{_CHECKS}\nreturn [{calls}]'))
