"""The HTTP server that http_echo.py starts: echoes, records, and fails as it is told.

    python -I -S echo_app.py PORT RECORDS-FILE [ADDRESS]

Paths below /_control/ are for the test, all others for the client under test. Uses nothing
outside the standard library.
"""

from __future__ import annotations

import base64
import json
import random
import socket
import struct
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_LOCK = threading.Lock()


@dataclass
class Rule:
    """What happens to requests whose path begins with `path`; the newest rule that fits counts."""

    path: str = '/'
    percent: float = 100
    seed: int = 0
    times: int | None = None
    after: int = 0
    delay: float = 0
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    fault: str = ''

    def __post_init__(self) -> None:
        if self.fault not in ('', 'reset', 'reset_unread', 'close', 'truncate', 'garbage', 'hang'):
            raise ValueError(f'no such fault: {self.fault}')
        self._random = random.Random(self.seed)

    def applies(self, path: str) -> bool:
        """Decide, once a request; counts `after` and `times` down."""
        if not path.startswith(self.path) or self.times == 0:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self._random.random() * 100 >= self.percent:
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Records:
    """The requests that came, in a file too, so that they outlive this process."""

    def __init__(self, path: Path) -> None:
        whole = path.read_bytes().split(b'\n')[:-1] if path.exists() else []
        self._items: list[dict[str, Any]] = [json.loads(line) for line in whole]
        path.write_bytes(b''.join(line + b'\n' for line in whole))
        self._file = path.open('ab', buffering=0)

    def add(self, item: dict[str, Any]) -> None:
        with _LOCK:
            self._items.append(item)
            self._file.write(json.dumps(item).encode() + b'\n')

    def of(self, path: str) -> list[dict[str, Any]]:
        with _LOCK:
            return [item for item in self._items if item['path'].startswith(path)]

    def forget(self) -> None:
        with _LOCK:
            self._items.clear()
            self._file.truncate(0)


class EchoServer(ThreadingHTTPServer):
    """Knows the rules and the records."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, records: Records, address: str = '127.0.0.1') -> None:
        super().__init__((address, port), Handler)
        self.records = records
        self.rules: list[Rule] = []

    def rule_for(self, path: str) -> Rule:
        with _LOCK:
            return next((r for r in reversed(self.rules) if r.applies(path)), Rule())

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are what tests are made of: no traceback for them."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = 'HTTP/1.1'
    server: EchoServer
    # Headers and body in one packet each would wait for each other.
    wbufsize = -1
    disable_nagle_algorithm = True

    def handle_any(self) -> None:
        if self.path.startswith('/_control/'):
            return self.control()
        rule = self.server.rule_for(self.path)
        if rule.fault == 'reset_unread':
            return self.reset()
        body = self.read_body()
        self.server.records.add(self.describe(body, rule))
        time.sleep(rule.delay)
        return self.misbehave(rule, body) if rule.fault else self.respond(rule, body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_any  # noqa: N815

    def describe(self, body: bytes, rule: Rule) -> dict[str, Any]:
        path, _, query = self.path.partition('?')
        return {
            'time': time.time(),
            'method': self.command,
            'path': path,
            'query': query,
            'headers': {name.lower(): value for name, value in self.headers.items()},
            'body': base64.b64encode(body).decode(),
            'outcome': rule.fault or rule.status,
        }

    def respond(self, rule: Rule, body: bytes) -> None:
        headers = {'Content-Type': self.headers.get('Content-Type', 'text/plain'), **rule.headers}
        self.answer(rule.status, body if rule.body is None else rule.body.encode(), headers)

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)
        self.wfile.flush()

    def misbehave(self, rule: Rule, body: bytes) -> None:
        """Do what no server should do, after the request was read and recorded."""
        self.close_connection = True
        if rule.fault == 'reset':
            self.reset()
        elif rule.fault == 'truncate':
            self.send_response(rule.status)
            self.send_header('Content-Length', str(len(body) + 100))
            self.end_headers()
            self.wfile.write(body)
        elif rule.fault == 'garbage':
            self.wfile.write(b'\x00\xff this is not HTTP\r\n\r\n')
        elif rule.fault == 'hang':
            # Until the client goes away.
            self.connection.settimeout(None)
            self.rfile.read(1)

    def reset(self) -> None:
        """End the connection with RST."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.connection.close()

    def read_body(self) -> bytes:
        if self.headers.get('Transfer-Encoding', '').lower() == 'chunked':
            parts = []
            while size := int(self.rfile.readline().partition(b';')[0] or b'-1', 16):
                parts.append(self.read_whole(size))
                self.rfile.readline()
            self.rfile.readline()
            return b''.join(parts)
        return self.read_whole(int(self.headers.get('Content-Length', 0)))

    def read_whole(self, size: int) -> bytes:
        """Read so many bytes. A client that goes in between has asked nothing."""
        found = self.rfile.read(max(0, size))
        if len(found) != size:
            raise ConnectionError('the client went in the middle of its request')
        return found

    def control(self) -> None:
        """Serve /_control/ready, /_control/requests and /_control/rules."""
        body = self.read_body()
        path, _, prefix = self.path.partition('?path=')
        answer: Any = None
        match (self.command, path):
            case ('GET', '/_control/ready'):
                answer = {'ready': True}
            case ('GET', '/_control/requests'):
                answer = self.server.records.of(prefix)
            case ('DELETE', '/_control/requests'):
                self.server.records.forget()
            case ('POST', '/_control/rules'):
                try:
                    rule = Rule(**json.loads(body))
                except (TypeError, ValueError) as error:
                    return self.answer(400, str(error).encode(), {})
                with _LOCK:
                    self.server.rules.append(rule)
            case ('DELETE', '/_control/rules'):
                with _LOCK:
                    left = [r for r in self.server.rules if not r.path.startswith(prefix)]
                    self.server.rules = left
            case _:
                return self.answer(404, b'no such control', {})
        return self.answer(200, json.dumps(answer).encode(), {'Content-Type': 'application/json'})

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: all requests are recorded."""


if __name__ == '__main__':
    EchoServer(int(sys.argv[1]), Records(Path(sys.argv[2])), *sys.argv[3:4]).serve_forever()
