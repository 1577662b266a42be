"""The HTTP endpoint: how many requests, how soon, and how soon beside a backlog of messages."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gevent
import requests
from gevent.pywsgi import WSGIServer

import drakkar.api as dk
from drakkar import log
from drakkar.cli.common import freeze_startup, load_config
from drakkar.contracts.source import ProducerRecord
from drakkar.webapp.server import WebappServer
from drakkar.webapp.wiring import add_webapp
from drakkar.worker.build import build_worker, make_handler
from drakkar.worker.worker import Worker

_CLIENTS = (1, 8, 64)
_CONFIG = """
[drakkar]
handler = {handler}
worker_name = bench
source = log

[log]
path = {folder}/log

[executor]
binary_path = {program}
max_executors = {executors}
window_size = 1

[dlq]
path = {folder}/dlq

[webapp]
enabled = true
port = 0
max_concurrent = 256

[webapp.clients.anonymous]
rpm = 1000000

[metrics]
host = 127.0.0.1
port = 0

[debug]
enabled = false

[logging]
level = error
"""
_TASK_MS = 20
_BACKLOG = 20_000
_REQUESTS = 300


class RunHandler(dk.Handler):
    """One run of the program for a request or a message; requests go first."""

    def arrange(
        self, messages: Sequence[dk.SourceMessage], pending: dk.PendingContext
    ) -> list[dk.ExecutorTask]:
        return [dk.ExecutorTask([str(_TASK_MS)], source_offsets=[m.offset]) for m in messages]

    def arrange_http_request(
        self, request: Any, pending: dk.PendingContext
    ) -> list[dk.ExecutorTask]:
        return [dk.ExecutorTask()]

    def on_http_request_complete(self, group: dk.MessageGroup) -> dict[str, int]:
        return {'results': len(group.results)}

    def task_priority(self, task: dk.ExecutorTask) -> tuple[int, int]:
        return 0 if task.origin == 'http' else 1, min(task.source_offsets)


class ReadyHandler(RunHandler):
    """Nothing runs for a request."""

    def arrange_http_request(
        self, request: Any, pending: dk.PendingContext
    ) -> list[dk.ExecutorTask]:
        return [dk.ExecutorTask(precomputed=dk.PrecomputedResult(stdout='ok'))]


class Waits(dk.Observer):
    """How long programs waited for a slot, and how many of each origin ended."""

    def __init__(self) -> None:
        self.http: list[float] = []
        self.messages = 0

    def task_completed(self, result: dk.ExecutorResult) -> None:
        if result.task.origin == 'http':
            self.http.append(result.queue_seconds)
        else:
            self.messages += 1


def run(name: str, count: int, program: str, executors: int) -> dict[str, Any]:
    """Return the figures of `webapp`, or of `webapp-priority`."""
    if name == 'webapp-priority':
        return _priority(program, executors)
    cases = []
    for title, handler in (
        ('trivial program', 'RunHandler'),
        ('precomputed', 'ReadyHandler'),
    ):
        with _serving(handler, program, executors) as (_, server, _waits):
            cases += [{'title': title, **c} for c in _load(server.port, count)]
    with _bare() as port:
        cases += [{'title': 'bare pywsgi', **c} for c in _load(port, count)]
    return {'cases': cases}


def _load(port: int, count: int) -> Iterator[dict[str, float]]:
    clients = subprocess.Popen(
        [sys.executable, '-m', 'integration.bench.webapp_clients'],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert clients.stdin is not None
    assert clients.stdout is not None
    clients.stdout.readline()
    for number in _CLIENTS:
        clients.stdin.write(f'{port} {number} {count}\n')
        clients.stdin.flush()
        yield json.loads(clients.stdout.readline())
    clients.stdin.write('\n')
    clients.communicate()


@contextmanager
def _serving(
    handler: str, program: str, executors: int, backlog: int = 0
) -> Iterator[tuple[Worker, WebappServer, Waits]]:
    with tempfile.TemporaryDirectory(prefix='drakkar-bench-') as folder:
        ini = Path(folder) / 'drakkar.ini'
        ini.write_text(
            _CONFIG.format(
                handler=f'{__name__}:{handler}', folder=folder, program=program, executors=executors
            )
        )
        loaded = load_config(ini)
        log.configure(loaded.config.logging)
        made, config = make_handler(loaded.handler, loaded.config)
        build_producer = loaded.plugins.sources['log'].build_producer
        assert build_producer is not None
        with build_producer(config, 'bench') as producer:
            producer.append_many(ProducerRecord(b'{}') for _ in range(backlog))
        waits = Waits()
        worker = build_worker(config, made, loaded.plugins.sources, [waits])
        server = add_webapp(worker)
        assert server is not None
        freeze_startup()
        running = gevent.spawn(worker.run)
        while worker.state != 'running':
            gevent.sleep(0.01)
        try:
            yield worker, server, waits
        finally:
            worker.stop()
            running.join()


@contextmanager
def _bare() -> Iterator[int]:
    """The same server with an application that reads the body and says a constant."""
    body = b'{"status":"ok"}' * 40

    def application(environ: Any, start_response: Any) -> list[bytes]:
        json.loads(environ['wsgi.input'].read())
        headers = [('Content-Type', 'application/json'), ('Content-Length', str(len(body)))]
        start_response('200 OK', headers)
        return [body]

    class Server(WSGIServer):
        def handle(self, sock: Any, address: Any) -> None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            super().handle(sock, address)

    server = Server(('127.0.0.1', 0), application, log=None)
    server.start()
    try:
        yield server.server_port
    finally:
        server.stop()


def _priority(program: str, executors: int) -> dict[str, Any]:
    """Send requests now and then while messages fill the pool and its queue."""
    with _serving('RunHandler', program, executors, _BACKLOG) as (worker, server, waits):
        while worker.snapshot().pool.waiting < executors:
            gevent.sleep(0.01)
        session = requests.Session()
        waiting = []
        for _ in range(_REQUESTS):
            session.post(server.url, json={}, timeout=30).raise_for_status()
            waiting.append(worker.snapshot().pool.waiting)
            gevent.sleep(0.01)
        session.close()
        found = sorted(seconds * 1000 for seconds in waits.http)
        return {
            'task_ms': _TASK_MS,
            'requests': len(found),
            'waiting': sorted(waiting)[len(waiting) // 2],
            'messages': waits.messages,
            'p50_ms': found[len(found) // 2],
            'p95_ms': found[len(found) * 95 // 100],
            'max_ms': found[-1],
        }
