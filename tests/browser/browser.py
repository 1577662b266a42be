"""What a test does in the browser: open, look, wait, press, and what it saw meanwhile."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from gevent import sleep
from selenium.common.exceptions import (
    JavascriptException,
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

SCHEMES = ('light', 'dark')
PATIENCE_SECONDS = 20

T = TypeVar('T')


@dataclass(frozen=True)
class Device:
    """A kind of screen, by CSS pixels."""

    name: str
    width: int
    height: int
    touch: bool = False


DESKTOP = Device('desktop', 1280, 900)
PHONE = Device('phone', 390, 844, touch=True)
DEVICES = (DESKTOP, PHONE)


class Browser:
    """One tab. `base` is put before the paths that are opened."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver
        self.base = ''
        self.device = DESKTOP

    # Where it is

    def look_as(self, device: Device = DESKTOP, scheme: str = 'light') -> None:
        """Be this kind of screen and prefer this colour scheme."""
        self.device = device
        size = {'width': device.width, 'height': device.height, 'mobile': device.touch}
        self.cdp('Emulation.setDeviceMetricsOverride', **size, deviceScaleFactor=1)
        self.cdp('Emulation.setTouchEmulationEnabled', enabled=device.touch)
        wanted = {'name': 'prefers-color-scheme', 'value': scheme}
        self.cdp('Emulation.setEmulatedMedia', features=[wanted])

    def open(self, path: str) -> None:
        """Load a page and wait until its modules have run."""
        self.driver.get(self.base + path)
        self.until('document.readyState === "complete"', f'{path} loaded')

    def path(self) -> str:
        """Return path and query of where it is."""
        url = urlsplit(self.driver.current_url)
        return f'{url.path}?{url.query}' if url.query else url.path

    def wait_path(self, start: str) -> str:
        """Wait until the address begins so, and the page is loaded."""
        address = f'(location.pathname + location.search).startsWith({json.dumps(start)})'
        self.until(f'{address} && document.readyState === "complete"', f'the address {start}')
        return self.path()

    # What is there

    def js(self, expression: str, *arguments: Any) -> Any:
        """Return the value of a JavaScript expression; `arguments[0]` is the first argument."""
        return self.driver.execute_script(f'return ({expression})', *arguments)

    def until(self, expression: str, what: str = '', seconds: float = PATIENCE_SECONDS) -> Any:
        """Wait until a JavaScript expression is true and return its value."""

        # Never interrupted: half an answer of the driver would spoil the next one.
        deadline = time.monotonic() + seconds
        while not (value := self._try(expression)):
            assert time.monotonic() < deadline, f'{what or expression}: not within {seconds} s'
            sleep(0.02)
        return value

    def _try(self, expression: str) -> Any:
        try:
            return self.js(expression)
        except (JavascriptException, StaleElementReferenceException):
            return None  # the page is not there yet

    def one(self, css: str) -> WebElement:
        """Wait for an element and return it."""
        self.until(f'document.querySelector({json.dumps(css)}) !== null', f'{css} on {self.path()}')
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def all(self, css: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def text(self, css: str) -> str:
        """Return the text of the first such element, once it is there."""
        return self._of(css, lambda element: element.text)

    def _of(self, css: str, act: Callable[[WebElement], T]) -> T:
        """Do something with an element; with its successor where the page renewed it meanwhile."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return act(self.one(css))
            except (NoSuchElementException, StaleElementReferenceException):
                assert time.monotonic() < deadline, f'{css}: never stays'

    def texts(self, css: str) -> list[str]:
        """Return the texts of all such elements that are shown, at one moment."""
        found = self.js(
            '[...document.querySelectorAll(arguments[0])].filter(e => e.checkVisibility())'
            '.map(e => e.innerText.trim())',
            css,
        )
        return list(found)

    def data(self, css: str, name: str) -> list[str]:
        """Return `data-NAME` of all such elements."""
        each = '[...document.querySelectorAll(arguments[0])].map(e => e.dataset[arguments[1]])'
        return list(self.js(each, css, name))

    def links(self, css: str) -> list[list[str]]:
        """Return text and address of all such links."""
        each = '[...document.querySelectorAll(arguments[0])].map(a => [a.innerText.trim(), a.href])'
        return list(self.js(each, css))

    def shown(self, css: str) -> bool:
        return bool(
            self.js('document.querySelector(arguments[0])?.checkVisibility() ?? false', css)
        )

    def wait_text(self, css: str, text: str) -> None:
        """Wait until the first such element is shown and contains a text."""
        quoted = json.dumps(css), json.dumps(text)
        says = (
            '(e => e.checkVisibility() && e.innerText.includes({1}))(document.querySelector({0}))'
        )
        self.until(says.format(*quoted), f'{css} says {text!r}')

    # What one does

    def click(self, css: str) -> None:
        def act(element: WebElement) -> None:
            self.js('arguments[0].scrollIntoView({block: "center"})', element)
            element.click()

        self._of(css, act)

    def leave_by(self, css: str) -> str:
        """Click what leads to another page, wait for it, and return its address."""
        self.js('window.stays = true')
        self.click(css)
        self.until('!window.stays && document.readyState === "complete"', f'{css} leads somewhere')
        return self.path()

    def type(self, css: str, text: str) -> None:
        """Replace what a field holds."""
        element = self.one(css)
        element.clear()
        element.send_keys(text)

    def press(self, *keys: str) -> None:
        """Press keys one after the other, wherever the focus is."""
        for key in keys:
            ActionChains(self.driver, duration=0).send_keys(key).perform()

    def tab(self) -> str:
        """Press Tab and return what has the focus: its id, its address or its name."""
        self.press(Keys.TAB)
        return str(
            self.js(
                'document.activeElement.id || document.activeElement.getAttribute("href")'
                ' || document.activeElement.tagName.toLowerCase()'
            )
        )

    def point(self, css: str, x: float, y: float) -> None:
        """Move the pointer to a place within an element, in pixels from its top left."""
        for nudge in (1, 0):  # a pointer that does not move hovers over nothing
            self._mouse('mouseMoved', css, x + nudge, y)

    def click_at(self, css: str, x: float, y: float) -> None:
        """Click on a place within an element."""
        self.point(css, x, y)
        for kind in ('mousePressed', 'mouseReleased'):
            self._mouse(kind, css, x, y, button='left', clickCount=1)

    def wheel(self, css: str, x: float, y: float, lines: int) -> None:
        """Turn the wheel over a place within an element; down where `lines` is positive."""
        self._mouse('mouseWheel', css, x, y, deltaX=0, deltaY=lines * 20)

    def _mouse(self, kind: str, css: str, x: float, y: float, **more: Any) -> None:
        left, top = self.js(
            '(r => [r.left, r.top])(document.querySelector(arguments[0]).getBoundingClientRect())',
            css,
        )
        self.cdp('Input.dispatchMouseEvent', type=kind, x=left + x, y=top + y, **more)

    def cdp(self, command: str, **arguments: Any) -> Any:
        return self.driver.execute_cdp_cmd(command, arguments)

    # What it saw

    def console(self) -> list[str]:
        """Return what the console was told since it was last asked."""
        return [entry['message'] for entry in self.driver.get_log('browser')]

    def requests(self) -> list[str]:
        """Return the addresses that were asked for since it was last asked, WebSockets too."""
        found = []
        for entry in self.driver.get_log('performance'):
            said = json.loads(entry['message'])['message']
            if said['method'] == 'Network.requestWillBeSent':
                found.append(said['params']['request']['url'])
            elif said['method'] == 'Network.webSocketCreated':
                found.append(said['params']['url'])
        return found

    def save(self, path: Path) -> None:
        """Save a picture of the whole page, as long as it is."""
        height = min(int(self.js('document.documentElement.scrollHeight')), 6000)
        clip = {'x': 0, 'y': 0, 'width': self.device.width, 'scale': 1}
        clip['height'] = max(height, self.device.height)
        picture = self.cdp('Page.captureScreenshot', captureBeyondViewport=True, clip=clip)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(picture['data']))
