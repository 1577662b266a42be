"""Connections of any server: none of them keeps the others from their turn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from gevent import socket

from drakkar.bounded import BoundedServer


def answer(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'%d' % len(environ['wsgi.input'].read())]


@pytest.fixture
def server() -> Iterator[BoundedServer]:
    server = BoundedServer(('127.0.0.1', 0), answer, 10, logger='test')
    server.start()
    yield server
    server.stop(1)


def turns_during(server: BoundedServer, data: bytes) -> tuple[int, bytes]:
    """Send all at once; return how often others had their turn meanwhile, and the answer."""
    turns = 0

    def work() -> None:
        nonlocal turns
        while True:
            gevent.sleep(0)
            turns += 1

    with socket.create_connection(('127.0.0.1', server.server_port), 10) as connection:
        connection.sendall(data)
        worker = gevent.spawn(work)
        received = b''
        while chunk := connection.recv(1 << 20):
            received += chunk
        worker.kill()
    return turns, received


def test_many_requests_at_once_take_turns_with_the_rest_of_the_worker(
    server: BoundedServer,
) -> None:
    request = b'GET / HTTP/1.1\r\nHost: x\r\n'
    turns, received = turns_during(
        server, (request + b'\r\n') * 200 + request + b'Connection: close\r\n\r\n'
    )
    assert received.count(b' 200 OK') == 201
    assert turns >= 200


def test_many_small_chunks_take_turns_with_the_rest_of_the_worker(server: BoundedServer) -> None:
    head = b'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n'
    body = b'1\r\na\r\n' * 100_000 + b'0\r\n\r\n'
    turns, received = turns_during(server, head + body)
    assert received.endswith(b'100000')
    assert turns >= len(body) // 8192
