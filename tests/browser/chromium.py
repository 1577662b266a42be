"""Chromium and its driver: where they are, and how they are started. Nothing is fetched."""

from __future__ import annotations

import shutil

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

BROWSERS = ('chromium', 'chromium-browser', 'google-chrome')
DRIVER = 'chromedriver'

_ARGUMENTS = (
    '--headless=new',
    '--no-sandbox',  # root has none
    '--disable-gpu',
    '--disable-dev-shm-usage',  # in containers it is small
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--force-color-profile=srgb',
    '--hide-scrollbars',
)


def missing() -> str:
    """Return what is not there, empty where all is."""
    lacks = [] if find_browser() else [BROWSERS[0]]
    lacks += [] if shutil.which(DRIVER) else [DRIVER]
    return ' and '.join(lacks)


def find_browser() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def start() -> Chrome:
    """Start a browser without a window that logs its console and its requests."""
    options = ChromeOptions()
    options.binary_location = find_browser() or ''
    for argument in _ARGUMENTS:
        options.add_argument(argument)
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL', 'performance': 'ALL'})
    # The driver's path is given, or selenium would look for one in the network.
    return Chrome(options=options, service=ChromeService(shutil.which(DRIVER)))
