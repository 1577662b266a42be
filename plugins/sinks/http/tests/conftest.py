"""The endpoint in a process of its own, for all tests of the HTTP sink."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from drakkar_sink_http import HttpOptions
from drakkar_sink_http.sink import HttpSink

Make = Callable[..., HttpSink]


class Endpoint:
    """The running server: where it is, and what it has received."""

    def __init__(self, port: str = '0', *tls: str) -> None:
        command = [sys.executable, '-I', str(Path(__file__).with_name('endpoint.py')), port, *tls]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.url = f'http://127.0.0.1:{self.port}'

    def seen(self) -> dict[str, Any]:
        with urllib.request.urlopen(f'{self.url}/received') as answer:
            seen: dict[str, Any] = json.load(answer)
        return seen

    def requests(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.seen()['requests']
        return found

    def bodies(self) -> list[Any]:
        return [json.loads(request['body']) for request in self.requests()]

    def forget(self) -> None:
        request = urllib.request.Request(f'{self.url}/received', method='DELETE')
        urllib.request.urlopen(request).close()

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


@pytest.fixture(scope='session')
def _endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    yield endpoint
    endpoint.close()


@pytest.fixture
def endpoint(_endpoint: Endpoint) -> Endpoint:
    """The server, with nothing received yet."""
    _endpoint.forget()
    return _endpoint


@pytest.fixture
def make(endpoint: Endpoint) -> Iterator[Make]:
    """Make connected sinks; options as they are in a file."""
    with ExitStack() as stack:

        def build(**options: Any) -> HttpSink:
            loaded = HttpOptions().load({'url': endpoint.url, **options})
            sink = HttpSink('hook', loaded)
            stack.callback(sink.close)
            sink.connect()
            return sink

        yield build
