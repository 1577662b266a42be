"""A worker with its debug UI on a free port, and clients that speak HTTP and WebSocket to it."""

from __future__ import annotations

import base64
import json
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage
from typing import Any

import gevent
from gevent import socket

import drakkar.api as dk
from drakkar.testing.harness import WorkerHarness
from drakkar.ui.server import UiServer
from drakkar.ui.wiring import add_ui
from drakkar.ui.ws import protocol

PATIENCE_SECONDS = 10


class Echo(dk.Handler):
    """Runs a program for each message; it fails where the message says so."""

    def arrange(self, messages: Any, pending: Any) -> list[dk.ExecutorTask]:
        return [
            dk.ExecutorTask(
                args=['-c', f'exit {m.payload["exit"]}'],
                source_offsets=[m.offset],
                labels={'name': str(m.payload.get('name', ''))},
            )
            for m in messages
        ]

    def on_error(self, task: Any, error: Any) -> Any:
        return dk.SKIP


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Site:
    """The worker under test (`harness`), its UI and a way to ask it."""

    def __init__(self, harness: WorkerHarness, ui: UiServer) -> None:
        self.harness = harness
        self.ui = ui
        self.host = f'127.0.0.1:{ui.port}'

    def ask(self, path: str, method: str = 'GET', body: Any = None, **headers: str) -> Answer:
        """Send a request; headers are written with `_` for `-`."""
        connection = HTTPConnection('127.0.0.1', self.ui.port, timeout=PATIENCE_SECONDS)
        try:
            named = {name.replace('_', '-'): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def raw(self, data: bytes) -> bytes:
        """Send bytes and return all that comes back until the server closes."""
        with socket.create_connection(('127.0.0.1', self.ui.port), PATIENCE_SECONDS) as connection:
            connection.sendall(data)
            answer = b''
            while chunk := connection.recv(65536):
                answer += chunk
            return answer

    def browse(self, topics: str = 'worker', **headers: str | None) -> Browser:
        """Open a WebSocket as a page of this UI does; a header of None is left out."""
        return Browser(self.host, topics, headers)


class Browser:
    """The far end of a WebSocket. `status` is 101 where it was opened."""

    def __init__(self, host: str, topics: str, headers: Mapping[str, str | None]) -> None:
        name, _, port = host.partition(':')
        self.socket = socket.create_connection((name, int(port)), PATIENCE_SECONDS)
        self.stream = self.socket.makefile('rb')
        lines = {
            'Host': host,
            'Upgrade': 'websocket',
            'Connection': 'Upgrade',
            'Sec-WebSocket-Version': '13',
            'Sec-WebSocket-Key': base64.b64encode(os.urandom(16)).decode(),
            'Origin': f'http://{host}',
            **{k.replace('_', '-'): v for k, v in headers.items()},
        }
        head = ''.join(f'{k}: {v}\r\n' for k, v in lines.items() if v is not None)
        self.socket.sendall(f'GET /ws?topics={topics} HTTP/1.1\r\n{head}\r\n'.encode('latin-1'))
        self.status = int(self.stream.readline().split()[1])
        self.headers: dict[str, str] = {}
        while line := self.stream.readline().strip():
            key, _, value = line.decode().partition(': ')
            self.headers[key.lower()] = value

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stream.close()
        self.socket.close()

    def body(self) -> Any:
        """Return the JSON of a refusal."""
        return json.loads(self.stream.read(int(self.headers['content-length'])))

    def frame(self) -> tuple[int, bytes]:
        """Return opcode and payload of the next frame of the server; -1 at the end."""
        head = self.stream.read(2)
        if len(head) < 2:
            return -1, b''
        length = head[1]
        if length == 126:
            (length,) = struct.unpack('!H', self.stream.read(2))
        elif length == 127:
            (length,) = struct.unpack('!Q', self.stream.read(8))
        return head[0] & 0x0F, self.stream.read(length)

    def message(self) -> Any:
        """Return the next text frame's JSON."""
        while True:
            opcode, payload = self.frame()
            assert opcode in (protocol.TEXT, protocol.PING), (opcode, payload)
            if opcode == protocol.TEXT:
                return json.loads(payload)

    def closing(self) -> int:
        """Return the code that the server closes with, whatever it sends before."""
        with gevent.Timeout(PATIENCE_SECONDS):
            while True:
                opcode, payload = self.frame()
                assert opcode != -1, 'the connection ended without a close frame'
                if opcode == protocol.CLOSE:
                    return int(struct.unpack('!H', payload[:2])[0])

    def send(self, opcode: int, payload: bytes = b'', head: int = 0x80, mask: bool = True) -> None:
        """Send a frame; `head` has the bits beside the opcode."""
        size = len(payload)
        length = bytes([size]) if size < 126 else b'\x7e' + struct.pack('!H', size)
        if not mask:
            self.socket.sendall(bytes([head | opcode]) + length + payload)
            return
        key = os.urandom(4)
        masked = bytes(b ^ key[i % 4] for i, b in enumerate(payload))
        length = bytes([length[0] | 0x80]) + length[1:]
        self.socket.sendall(bytes([head | opcode]) + length + key + masked)


@contextmanager
def running(
    handler: type[dk.Handler] = Echo,
    *,
    config: Mapping[str, Any] | None = None,
    partitions: int = 2,
    **debug: Any,
) -> Iterator[Site]:
    """Run a worker with its UI; keyword arguments are options of `[debug]`."""
    sections = {
        'executor': {'binary_path': '/bin/sh', 'max_executors': 2},
        **(config or {}),
        'debug': {'port': 0, **debug},
    }
    harness = WorkerHarness(handler, config=sections, partitions=partitions)
    ui = add_ui(harness.worker)
    assert ui is not None
    with harness:
        yield Site(harness, ui)
