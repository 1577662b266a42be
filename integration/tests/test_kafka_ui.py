"""The native stack's web UI for Kafka: what a tab is shown, and the end of its process."""

from __future__ import annotations

import contextlib
import re
import time
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import kafka as kafka_python
import psutil
import pytest
import websocket

from integration.servers.fixtures import unobtainable
from integration.servers.obtain import NotObtainableError
from integration.stack.web_uis import KafkaUi
from integration.tests.environment import eventually
from tests.browser.browser import Browser
from tests.browser.conftest import is_here

GROUP = 'drakkar-group'
_SHOWN_SECONDS = 60


class Tab:
    """The WebSocket of a tab, by which a terminal's content comes and keys go."""

    def __init__(self, ui: KafkaUi, topic: str = '') -> None:
        path = f'/ws/{topic}' if topic else '/ws'
        url = f'ws://{ui.address}{path}?width=160&height=48'
        origin = f'http://{ui.address}'
        self._socket = websocket.create_connection(url, origin=origin, timeout=20)
        self._socket.settimeout(1)
        self.shown = ''

    def wait_shown(self, *words: str) -> None:
        """Wait until the terminal was sent all of these."""
        until = time.monotonic() + _SHOWN_SECONDS
        while not all(word in self.shown for word in words):
            assert time.monotonic() < until, f'{words} not among\n{self.shown[-3000:]}'
            try:
                content = self._socket.recv()
            except websocket.WebSocketTimeoutException:
                continue
            if isinstance(content, bytes):
                # Without what says colours and places.
                self.shown += re.sub(
                    r'\x1b\[[0-9;?]*[A-Za-z]', ' ', content.decode(errors='replace')
                )

    def press(self, keys: str) -> None:
        """Type into the terminal."""
        self.shown = ''
        self._socket.send(f'["stdin", "{keys}"]')

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Tab:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


@pytest.fixture(scope='module')
def topic(kafka: Any) -> str:
    """A topic with three messages and a group that has read two of them."""
    name = 'shown-requests'
    kafka.create_topic(name, 3)
    producer = kafka_python.KafkaProducer(bootstrap_servers=kafka.address)
    for number in range(3):
        value = b'{"request_id": "r-%d"}' % number
        producer.send(name, key=b'key-%d' % number, value=value, partition=number)
    producer.close()
    places = [kafka_python.TopicPartition(name, partition) for partition in (0, 1)]
    reader = kafka_python.KafkaConsumer(
        bootstrap_servers=kafka.address, group_id=GROUP, enable_auto_commit=False
    )
    reader.assign(places)
    reader.commit({place: kafka_python.OffsetAndMetadata(1, '', -1) for place in places})
    reader.close()
    return name


@pytest.fixture(scope='module')
def ui(kafka: Any) -> Iterator[KafkaUi]:
    try:
        KafkaUi.obtain()
    except NotObtainableError as error:
        unobtainable(str(error))
    server = KafkaUi(int(kafka.address.rpartition(':')[2]))
    server.session = True
    with server:
        yield server


def programs(ui: KafkaUi, word: str = '') -> list[psutil.Process]:
    """Return the processes of tabs; those with this word in their command line, if one is given."""
    found = []
    for pid in ui.pids[1:]:
        with contextlib.suppress(psutil.NoSuchProcess):  # it may be on its way out
            process = psutil.Process(pid)
            if not word or word in process.cmdline():
                found.append(process)
    return found


@pytest.fixture(autouse=True)
def _no_tab_is_left(ui: KafkaUi) -> Iterator[None]:
    """Wait for the end of all tabs: the next test counts its own."""
    yield
    eventually(lambda: not programs(ui), 20, lambda: f'the end of {programs(ui)}')


@pytest.fixture
def tab(ui: KafkaUi, topic: str) -> Iterator[Tab]:
    with Tab(ui) as found:
        yield found


def page(ui: KafkaUi, path: str) -> str:
    with urllib.request.urlopen(f'http://{ui.address}{path}', timeout=10) as answer:
        content: str = answer.read().decode()
        return content


def test_the_page_leads_to_the_messages_of_each_topic(ui: KafkaUi, topic: str) -> None:
    content = page(ui, '/')
    assert f'href="/topics/{topic}"' in content
    assert '__consumer_offsets' not in content
    assert topic in page(ui, f'/topics/{topic}').partition('</title>')[0]


def test_nothing_is_asked_of_other_machines(ui: KafkaUi) -> None:
    content = page(ui, '/')
    addresses = re.findall(r'(?:href|src)="([^"]*)"|url\(([^)]*)\)', content)
    found = {one.strip('\'"') or other.strip('\'"') for one, other in addresses}
    assert {address for address in found if not address.startswith('/')} <= {'data:,', ''}
    assert 'http' not in content


def test_topics_and_their_groups_are_shown(tab: Tab, topic: str) -> None:
    tab.wait_shown(topic, 'Partitions', 'Records')
    # The filter, so that this one is chosen whatever else there is.
    tab.press('/')
    tab.wait_shown('Filter Topics')
    tab.press(topic)
    tab.wait_shown(topic)
    tab.press('\\r')
    tab.wait_shown('Describe')
    tab.press('d')
    tab.wait_shown('Topic Details', 'Partitions [3]', 'Groups [1]')
    tab.press('\\u001b[C\\u001b[C')
    tab.wait_shown(GROUP)


def test_messages_are_shown(ui: KafkaUi, topic: str) -> None:
    with Tab(ui, topic) as messages:
        messages.wait_shown('key-0', 'key-1', 'key-2', "'request_id': 'r-2'")


def test_a_topic_s_name_is_no_command(ui: KafkaUi) -> None:
    name = 'a; touch $HOME/made'
    with Tab(ui, quote(name, safe='')):
        eventually(lambda: programs(ui, f'--topic={name}'), 20, 'its program')
    assert not (ui.folder / 'made').exists()


def test_each_tab_has_a_process_that_ends_with_it(ui: KafkaUi, tab: Tab, topic: str) -> None:
    with Tab(ui, topic):
        eventually(lambda: programs(ui, 'admin'), 20, 'the program of one')
        eventually(lambda: programs(ui, 'consumer'), 20, 'the program of the other')
        (other,) = programs(ui, 'consumer')
        assert len(programs(ui)) == 2
    eventually(lambda: not other.is_running(), 20, 'the end of one')
    assert len(programs(ui)) == 1


def test_a_page_of_another_site_may_not_type(ui: KafkaUi) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException, match='403'):
        websocket.create_connection(f'ws://{ui.address}/ws', origin='http://elsewhere.example')
    assert len(ui.pids) == 1


@pytest.mark.timeout(240)
def test_in_a_browser_the_terminal_has_the_keyboard_until_the_page_is_left(
    ui: KafkaUi, topic: str, browser: Browser
) -> None:
    browser.look_as()
    browser.console(), browser.requests()
    browser.base = f'http://{ui.address}'
    browser.open('/')
    browser.until('document.body.classList.contains("-first-byte")', 'the terminal', 60)
    browser.until('document.activeElement.closest("#terminal")', 'the keyboard')
    assert len(programs(ui)) == 1
    browser.one(f'nav a[href="/topics/{topic}"]').click()
    browser.wait_path(f'/topics/{topic}')
    browser.until('document.body.classList.contains("-first-byte")', 'the terminal', 60)

    def only_its_messages() -> bool:
        return len(programs(ui)) == len(programs(ui, f'--topic={topic}')) == 1

    # The browser may keep the page that was left, for its back button; the process is not kept.
    eventually(only_its_messages, 20, lambda: f'the end of one of {programs(ui)}')
    browser.driver.get('about:blank')
    eventually(lambda: not programs(ui), 20, lambda: f'the end of {programs(ui)}')
    assert all(is_here(url) for url in browser.requests())
    assert not [line for line in browser.console() if 'Uncaught' in line or 'Failed' in line]


@pytest.mark.parametrize('end', ['stop', 'kill'])
def test_open_tabs_end_with_the_server(ui: KafkaUi, topic: str, end: str) -> None:
    try:
        with Tab(ui) as tab:
            tab.wait_shown(topic)
            (program,) = programs(ui)
            began = time.monotonic()
            getattr(ui, end)()
            # It was not waited for those who look, and killed then.
            assert time.monotonic() - began < ui.stop_seconds
            assert not ui.running
            assert not program.is_running()
    finally:
        ui.heal()
