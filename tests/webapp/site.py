"""A worker with its endpoint, and the ways to talk to it."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import requests

from drakkar.contracts.observer import Observer
from drakkar.handler import Handler
from drakkar.testing import WorkerHarness
from drakkar.webapp.server import WebappServer
from drakkar.webapp.wiring import add_webapp

TOKEN = 'token-of-tenant-A'
CLIENTS = {'anonymous': {'rpm': 1000}, 'tenant-A': {'token': TOKEN, 'rpm': 60}}


class Heard(Observer):
    """All that is told of requests, in order."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    def http_received(self, request: Any) -> None:
        self.events.append(('received', request))

    def http_arranged(self, request: Any, tasks: Any, duration: float) -> None:
        self.events.append(('arranged', tasks))

    def http_timeout(self, request: Any, duration: float) -> None:
        self.events.append(('timeout', request))

    def http_completed(self, request: Any, answer: Any) -> None:
        self.events.append(('completed', answer))

    def http_answered(self, client_name: str, status: str, duration: float) -> None:
        self.events.append(('answered', (client_name, status)))

    def http_auth_failed(self, remote: str, reason: str) -> None:
        self.events.append(('auth_failed', remote))

    def http_rate_limited(self, client_name: str, rpm: int, retry_after: float) -> None:
        self.events.append(('rate_limited', client_name))

    def http_dropped(self, request: Any, tasks: int) -> None:
        self.events.append(('dropped', tasks))

    def of(self, name: str) -> list[Any]:
        return [what for event, what in self.events if event == name]

    @property
    def answered(self) -> list[tuple[str, str]]:
        return self.of('answered')


class Site:
    """Serves `handler` at a free port of this machine; a context manager.

    Keyword arguments are options of `[webapp]`; `config` holds other sections.
    """

    def __init__(
        self,
        handler: type[Handler],
        *,
        config: Mapping[str, Any] | None = None,
        sinks: Any = (),
        started: bool = True,
        **webapp: Any,
    ) -> None:
        options = {'enabled': True, 'port': 0, 'clients': CLIENTS, **webapp}
        self.heard = Heard()
        self.harness = WorkerHarness(
            handler,
            config={**(config or {}), 'webapp': options},
            sinks=sinks,
            observers=[self.heard],
        )
        server = add_webapp(self.harness.worker)
        assert server is not None
        self.server: WebappServer = server
        self._started = started

    def __enter__(self) -> Site:
        if self._started:
            self.harness.__enter__()
        else:
            self.server.bind()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._started:
            self.harness.__exit__(kind, error, trace)
        else:
            self.server.stop()

    @property
    def url(self) -> str:
        return self.server.url

    def post(
        self,
        body: Any = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> requests.Response:
        """POST JSON, or bytes as they are."""
        sent = {'Content-Type': 'application/json', **(headers or {})}
        if token is not None:
            sent['Authorization'] = f'Bearer {token}'
        data = body if isinstance(body, bytes) else json.dumps(body)
        return requests.post(self.url, data=data, headers=sent, timeout=20, **more)

    def report(self, body: Any, **more: Any) -> dict[str, Any]:
        """POST what must go well; return the report."""
        answer = self.post(body, **more)
        assert answer.status_code == 200, answer.text
        report: dict[str, Any] = answer.json()
        return report

    def connect(self) -> Raw:
        return Raw(self.server.port)

    def wait_for(self, condition: Any, timeout: float = 10) -> None:
        self.harness.wait_for(condition, timeout)


class Raw:
    """A connection on which any bytes can be sent."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=20)
        self.file = self.socket.makefile('rb')

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def head(self) -> tuple[int, dict[str, str]]:
        """Read the head of an answer: its code and headers; code 0 where there is none."""
        line = self.file.readline()
        if not line:
            return 0, {}
        code = int(line.split()[1])
        headers = {}
        while (line := self.file.readline()) not in (b'\r\n', b''):
            name, _, value = line.decode('latin-1').partition(':')
            headers[name.lower()] = value.strip()
        return code, headers

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        code, headers = self.head()
        return code, headers, self.file.read(int(headers.get('content-length', 0)))

    def ended(self) -> bool:
        """Whether the server closes the connection, with nothing more to say."""
        try:
            return self.file.read(1) == b''
        except ConnectionResetError:
            return True


def request(body: bytes, *headers: str, method: str = 'POST', path: str = '/process') -> bytes:
    """Return the bytes of a request."""
    lines = [f'{method} {path} HTTP/1.1', 'Host: localhost', 'Content-Type: application/json']
    lines += headers or (f'Content-Length: {len(body)}',)
    return '\r\n'.join([*lines, '', '']).encode() + body


def until(condition: Any, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, 'the condition did not come true'
        time.sleep(0.005)


def stages(report: dict[str, Any]) -> list[str]:
    return [stage['stage'] for stage in report['timeline']]
