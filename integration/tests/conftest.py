"""The browser of the browser tests, for the debug UI of the environment."""

from tests.browser.conftest import browser, tab

__all__ = ['browser', 'tab']
