"""What the chaos test sees of the workers: their own numbers, or nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from integration.chaos import watch
from integration.chaos.watch import FAST_GROUP, MAIN_GROUP, Watch, ask
from integration.servers.ports import pick


class Board(BaseHTTPRequestHandler):
    """A dashboard that wants a token; `dying` gets half an answer."""

    def do_GET(self) -> None:
        right = self.headers['Authorization'] == 'Bearer secret'
        board = {'stats': {'completed': 7}, 'partition_count': 25}
        content = json.dumps(board if right and self.path == '/api/dashboard' else {}).encode()
        self.send_response(200 if right else 401)
        dying = self.headers['Authorization'] == 'Bearer dying'
        self.send_header('Content-Length', str(len(content) + dying))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        """Nothing is printed."""


@pytest.fixture
def board() -> Iterator[int]:
    with ThreadingHTTPServer(('127.0.0.1', 0), Board) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_a_dashboard_is_asked_with_the_token(board: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('DK_DEBUG__AUTH_TOKEN', 'secret')
    assert ask(board) == {'stats': {'completed': 7}, 'partition_count': 25}
    for wrong in ('wrong', 'dying'):
        monkeypatch.setenv('DK_DEBUG__AUTH_TOKEN', wrong)
        assert ask(board) is None


def test_a_sample_has_the_workers_that_answer(
    board: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv('DK_DEBUG__AUTH_TOKEN', 'secret')
    done = {MAIN_GROUP: 4, FAST_GROUP: 9}
    monkeypatch.setattr(watch.brokers, 'end_offsets', lambda brokers, topic: {0: 3, 1: 7})
    monkeypatch.setattr(watch.brokers, 'committed', lambda brokers, group, topic: done[group])
    (unused_port,) = pick()
    seen = Watch({'worker-1': board, 'worker-2': unused_port}, 'broker')
    sample = seen.look()
    assert seen.samples == [sample]
    assert sample.at < 5
    assert (sample.produced, sample.processed) == (10, done)
    assert (sample.completed, sample.partitions) == ({'worker-1': 7}, {'worker-1': 25})
    assert capsys.readouterr().out.endswith(
        's  worker-1     7 (25p)  worker-2     - ( -p)  processed 4 / 9 of 10\n'
    )
