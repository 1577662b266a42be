"""What comes as bytes: lengths, chunks, pipelines, slowness, and connections in numbers."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from drakkar import bounded
from drakkar.webapp import endpoint, server
from tests.webapp.handlers import ShellHandler
from tests.webapp.site import Raw, Site, request

pytestmark = pytest.mark.slow

READY = b'{"precomputed": true}'
LIMIT = 1000


@pytest.fixture(scope='module')
def site() -> Iterator[Site]:
    with Site(
        ShellHandler, max_body_bytes=LIMIT, max_concurrent=4, clients={'a': {'rpm': 100_000}}
    ) as site:
        yield site


@pytest.fixture
def raw(site: Site) -> Iterator[Raw]:
    with site.connect() as raw:
        yield raw
    assert site.post({'precomputed': True}).status_code == 200


def chunked(*chunks: bytes, end: bytes = b'0\r\n\r\n') -> bytes:
    body = b''.join(b'%x\r\n%s\r\n' % (len(c), c) for c in chunks) + end
    return request(body, 'Transfer-Encoding: chunked')


def padded(size: int) -> bytes:
    return READY[:-1] + b' ' * (size - len(READY)) + b'}'


def test_a_connection_is_kept(raw: Raw) -> None:
    for _ in range(3):
        raw.send(request(READY))
        code, headers, body = raw.answer()
        assert (code, json.loads(body)['status']) == (200, 'ok')
        assert 'connection' not in headers


def test_refusals_without_a_body_keep_it_too(raw: Raw) -> None:
    raw.send(request(b'', 'Content-Length: 0', path='/other'))
    assert raw.answer()[0] == 404
    raw.send(request(b'{}', 'Authorization: Bearer wrong', 'Content-Length: 2'))
    assert raw.answer()[0] == 401
    assert raw.ended(), 'a body that was not read can not be told from the next request'


def test_requests_in_a_pipeline_are_answered_in_order(raw: Raw) -> None:
    bodies = [b'{"precomputed": true, "request_id": "r%d"}' % n for n in range(5)]
    raw.send(b''.join(map(request, bodies)))
    answers = [json.loads(raw.answer()[2])['request_id'] for _ in bodies]
    assert answers == [f'r{n}' for n in range(5)]


@pytest.mark.parametrize(
    'chunks',
    [[READY], [READY[:5], READY[5:]], [READY[i : i + 1] for i in range(len(READY))]],
)
def test_chunks(raw: Raw, chunks: list[bytes]) -> None:
    raw.send(chunked(*chunks) + chunked(*chunks, end=b'0;x=y\r\nTrailer: 1\r\n\r\n'))
    assert raw.answer()[0] == 200
    assert raw.answer()[0] == 200


@pytest.mark.parametrize(
    'body',
    [
        b'x\r\n',
        b'-1\r\n',
        b'+5\r\nhello\r\n0\r\n\r\n',
        b'0x5\r\nhello\r\n0\r\n\r\n',
        b'5\nhello\n0\n\n',
        b'5\r\nhelloX\r\n0\r\n\r\n',
        b'15\r\n' + READY + b'XX0\r\n\r\n',
        b'fffffffffffffffff\r\n',
        b'5' + b';' * 5000 + b'\r\n',
        b'0\r\n' + b'T: x\r\n' * 200 + b'\r\n',
        b'\r\n',
    ],
)
def test_chunks_that_are_none(raw: Raw, body: bytes) -> None:
    raw.send(request(body, 'Transfer-Encoding: chunked'))
    code, _, said = raw.answer()
    assert (code, json.loads(said)['status']) == (400, 'bad_request')
    assert raw.ended()


def test_the_limit_is_counted_from_what_comes(site: Site) -> None:
    for data, code in [
        (request(padded(LIMIT)), 200),
        (request(padded(LIMIT + 1)), 413),
        (chunked(padded(LIMIT)), 200),
        (chunked(padded(LIMIT), b' '), 413),
        (chunked(*[b' ' * 100] * 50), 413),
        (request(b'', 'Content-Length: 99999999999'), 413),
    ]:
        with site.connect() as raw:
            raw.send(data)
            found, _, said = raw.answer()
            assert found == code, said
            if code == 413:
                assert json.loads(said)['status'] == 'body_too_large'
                assert raw.ended()


@pytest.mark.parametrize(
    'headers',
    [
        ('Content-Length: 2', 'Content-Length: 3'),
        ('Content-Length: 2', 'Content-Length: 2'),
        ('Content-Length: 2', 'Transfer-Encoding: chunked'),
        ('Transfer-Encoding: gzip, chunked',),
        ('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
        ('Transfer-Encoding: xchunked',),
        ('Content-Length: -1',),
        ('Content-Length: +2',),
        ('Content-Length: 2_0',),
        ('Content-Length: 0x2',),
        ('Content-Length: 2, 2',),
        ('Content-Length: ' + '9' * 400,),
        ('Content-Length : 2',),
        ('Transfer-Encoding : chunked',),
        ('Content-Length: 2', 'no colon'),
        (' Content-Length: 2',),
    ],
)
def test_a_body_whose_end_is_uncertain_is_refused(raw: Raw, headers: tuple[str, ...]) -> None:
    raw.send(request(b'{}', *headers))
    code, _ = raw.head()
    assert code == 400
    assert raw.ended()


@pytest.mark.parametrize(
    ('data', 'code'),
    [
        (b'GARBAGE\r\n\r\n', 400),
        (b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400),
        (b'POST /process HTTP/9.9\r\n\r\n', 400),
        (b'POST /process HTTP/x\r\n\r\n', 400),
        (b'POST /process HTTP/1\r\n\r\n', 400),
        (b'POST /process HTTP/1.10\r\n\r\n', 400),
        (b'GET /' + b'x' * 9000 + b' HTTP/1.1\r\n\r\n', 414),
        (b'GET / HTTP/1.1\r\n' + b'X: ' + b'x' * 40_000 + b'\r\n\r\n', 400),
        (b'GET / HTTP/1.1\r\n' + b''.join(b'X%d: x\r\n' % n for n in range(300)) + b'\r\n', 400),
        (b'POST /process HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400),
        (b'GET /%2e%2e/%00 HTTP/1.1\r\n\r\n', 404),
        (b'POST http://elsewhere/process HTTP/1.1\r\n\r\n', 404),
        (b'OPTIONS * HTTP/1.1\r\n\r\n', 404),
    ],
)
def test_heads_that_are_none(raw: Raw, data: bytes, code: int) -> None:
    raw.send(data)
    assert raw.head()[0] == code


def test_the_body_is_asked_for_only_where_it_is_wanted(raw: Raw) -> None:
    raw.send(request(b'', f'Content-Length: {len(READY)}', 'Expect: 100-continue'))
    assert raw.file.readline() == b'HTTP/1.1 100 Continue\r\n'
    assert raw.file.readline() == b'\r\n'
    raw.send(READY)
    assert raw.answer()[0] == 200
    wrong = ('Content-Length: 500', 'Expect: 100-continue', 'Authorization: Bearer wrong')
    raw.send(request(b'', *wrong))
    assert raw.answer()[0] == 401


def test_half_a_body_and_gone(site: Site) -> None:
    for data in (request(b'{', 'Content-Length: 20'), chunked(b'{', end=b'5\r\nx')):
        before = len(site.heard.answered)
        with site.connect() as raw:
            raw.send(data)
            raw.socket.shutdown(socket.SHUT_WR)
            assert raw.ended()
        site.wait_for(lambda n=before: len(site.heard.answered) > n)
        assert site.heard.answered[-1] == ('a', 'disconnected')


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, 'HEAD_SECONDS', 0.3)
    monkeypatch.setattr(bounded, 'IDLE_SECONDS', 0.3)
    monkeypatch.setattr(endpoint, 'BODY_SECONDS', 0.3)


def drip(raw: Raw, data: bytes, seconds: float = 5) -> bytes:
    """Send a byte now and then until the server has enough; return what it says."""
    raw.socket.settimeout(0.02)
    deadline = time.monotonic() + seconds
    for n in range(10_000):
        assert time.monotonic() < deadline, 'the server reads for ever'
        try:
            raw.socket.sendall(data[n % len(data) :][:1])
            return raw.socket.recv(4096)
        except TimeoutError:
            continue
        except OSError:
            return b''
    return b''


@pytest.mark.usefixtures('hasty')
def test_slow_heads_bodies_and_silence_are_cut_off(site: Site) -> None:
    with site.connect() as raw:
        assert raw.ended(), 'who says nothing'
    with site.connect() as raw:
        assert drip(raw, b'x') == b'', 'a slow request line'
    with site.connect() as raw:
        raw.send(b'POST /process HTTP/1.1\r\n')
        assert drip(raw, b'A: b\r\n').startswith((b'HTTP/1.1 400', b''))
    for headers in ('Content-Length: 900', 'Transfer-Encoding: chunked'):
        with site.connect() as raw:
            raw.send(request(b'', headers))
            said = drip(raw, b'1\r\n \r\n')
            assert said.startswith(b'HTTP/1.1 408 ') or said == b''
    assert ('a', 'request_timeout') in site.heard.answered
    assert site.post({'precomputed': True}).status_code == 200


def test_bodies_that_do_not_come_hold_no_more_than_their_places(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, 'BODY_SECONDS', 1.0)
    stuck = [site.connect() for _ in range(4)]
    for raw in stuck:
        raw.send(request(b'{', 'Content-Length: 20'))
    site.wait_for(lambda: site.server.endpoint._busy == 4)
    assert site.post({}).json()['status'] == 'capacity'
    for raw in stuck:
        assert raw.head()[0] == 408
        raw.close()
    assert site.post({'precomputed': True}).status_code == 200


def test_connections_that_wait_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, 'SPARE_CONNECTIONS', 6)
    with Site(ShellHandler, max_concurrent=2) as site:
        idle: list[Any] = []
        try:
            for _ in range(20):
                raw = site.connect()
                idle.append(raw)
                raw.send(request(READY))
                assert raw.answer()[0] == 200
        finally:
            for raw in idle:
                raw.close()
