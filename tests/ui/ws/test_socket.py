"""The WebSocket of a real server: who may open it, and how it ends."""

from __future__ import annotations

import struct

import pytest

from drakkar.ui.data.dashboard import DASHBOARD
from drakkar.ui.ws import hub as hub_module
from drakkar.ui.ws import protocol as p
from tests.ui.shapes import mismatches
from tests.ui.site import Site, running
from tests.waiting import until


def test_the_state_of_the_worker_comes_at_once_and_then_each_second(site: Site) -> None:
    with site.browse() as browser:
        first, second = browser.message(), browser.message()
    assert (first['topic'], first['kind'], first['dropped']) == ('worker', 'snapshot', 0)
    assert (second['kind'], second['seq']) == ('delta', first['seq'] + 1)
    assert mismatches(second['data'], DASHBOARD) == []


@pytest.mark.parametrize(
    ('headers', 'status', 'code'),
    [
        ({'Origin': 'http://evil.example'}, 403, 'forbidden'),
        ({'Origin': 'null'}, 403, 'forbidden'),
        ({'Host': 'evil.example', 'Origin': 'http://evil.example'}, 421, 'misdirected_request'),
        ({'Upgrade': None}, 426, 'upgrade_required'),
        ({'Connection': 'close'}, 426, 'upgrade_required'),
        ({'Sec_WebSocket_Version': '12'}, 426, 'upgrade_required'),
        ({'Sec_WebSocket_Version': None}, 426, 'upgrade_required'),
        ({'Sec_WebSocket_Key': None}, 400, 'bad_request'),
        ({'Sec_WebSocket_Key': 'c2hvcnQ='}, 400, 'bad_request'),
        ({'Sec_WebSocket_Key': '***'}, 400, 'bad_request'),
    ],
)
def test_refusals(site: Site, headers: dict[str, str | None], status: int, code: str) -> None:
    with site.browse(**headers) as browser:
        assert browser.status == status
        assert browser.headers['content-security-policy']
        body = browser.body()
    assert set(body) == {'status', 'error', 'hint'}
    assert body['status'] == code


@pytest.mark.parametrize('topics', ['', 'nothing', 'worker,nothing'])
def test_unknown_topics_are_refused_with_the_known_ones(site: Site, topics: str) -> None:
    with site.browse(topics) as browser:
        assert browser.status == 400
        assert 'worker' in browser.body()['hint']


def test_other_origins_where_they_are_allowed_and_clients_that_are_no_browsers() -> None:
    with running(allowed_ws_origins=['https://ops.example']) as site:
        for origin in ('https://ops.example', None):
            with site.browse(Origin=origin) as browser:
                assert browser.status == 101
        with site.browse(Origin='https://ops.example.evil.example') as browser:
            assert browser.status == 403


def test_so_many_and_no_more(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, 'MAX_CLIENTS', 1)
    with site.browse() as first:
        assert first.status == 101
        with site.browse() as second:
            assert (second.status, second.body()['status']) == (503, 'service_unavailable')
    until(lambda: not site.ui.hub.clients)


@pytest.mark.parametrize(
    ('frame', 'code'),
    [
        ({'opcode': p.CLOSE}, 1000),
        ({'opcode': p.CLOSE, 'payload': struct.pack('!H', 4001) + b'x'}, 4001),
        ({'opcode': p.CLOSE, 'payload': struct.pack('!H', 1005)}, 1002),
        ({'opcode': p.CLOSE, 'payload': b'\x03\xe8\xff'}, 1007),
        ({'opcode': p.TEXT, 'payload': b'hello'}, 1003),
        ({'opcode': p.BINARY}, 1003),
        ({'opcode': p.CONTINUATION}, 1003),
        ({'opcode': p.TEXT, 'payload': b'x' * 5000}, 1009),
        ({'opcode': p.TEXT, 'payload': b'x', 'mask': False}, 1002),
        ({'opcode': 0x5, 'payload': b'x'}, 1002),
        ({'opcode': p.PING, 'head': 0}, 1002),
    ],
)
def test_it_closes_with_the_right_code(site: Site, frame: dict[str, object], code: int) -> None:
    with site.browse() as browser:
        browser.send(**frame)  # type: ignore[arg-type]
        assert browser.closing() == code
        until(lambda: not site.ui.hub.clients)


def test_a_ping_is_answered(site: Site) -> None:
    with site.browse() as browser:
        browser.send(p.PING, b'there?')
        while (frame := browser.frame())[0] == p.TEXT:
            continue
    assert frame == (p.PONG, b'there?')


def test_who_sends_without_a_pause_is_sent_away(site: Site) -> None:
    with site.browse() as browser:
        browser.socket.sendall(b'\x89\x80\0\0\0\0' * 100)
        assert browser.closing() == 1008
        until(lambda: not site.ui.hub.clients)


def test_a_browser_that_just_goes_is_forgotten(site: Site) -> None:
    with site.browse() as browser:
        assert browser.status == 101
        until(lambda: site.ui.hub.clients)
    until(lambda: not site.ui.hub.clients)


def test_the_end_of_the_worker_closes_it_with_going_away() -> None:
    with running() as site:
        browser = site.browse()
        browser.message()
    with browser:
        assert browser.closing() == 1001
