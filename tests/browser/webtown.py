"""The town with an HTTP endpoint: its workers answer requests as they do messages.

What requests ask for is what messages do (town.py), and `stumble`: a hook that fails.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.browser import town
from tests.browser.town import Worker
from tests.services.server import wait_for

ANONYMOUS = 'anonymous'
LIMITS = {ANONYMOUS: 4, 'tenant-A': 60, 'counted': 60, 'hasty': 1}
LONG = 'long-' + 'y' * 3000
OUTPUT_BYTES = 1000
PATIENCE_SECONDS = 3600  # the request that waits does so until the last test is over

HANDLER = """\
import drakkar.api as dk
from handlers import Town


class WebTown(Town):
    def http_request_id(self, request, headers):
        return request['request_id']

    def arrange_http_request(self, request, pending):
        if request['do'] == 'stumble':
            raise RuntimeError('stumbled over a request')
        labels = {'pattern': request['do']}
        return [dk.ExecutorTask(args=[request['do'], request['request_id'], '0'], labels=labels)]

    def on_http_request_complete(self, group):
        stdout = [result.stdout for result in group.results]
        return {'stdout': stdout, 'echo': group.source_message.payload}
"""


class WebWorker(Worker):
    """A worker with an endpoint."""

    def __init__(self, folder: Path, name: str, timeout_seconds: float) -> None:
        super().__init__(
            folder,
            name,
            'drakkar.handler=webhandlers:WebTown',
            'webapp.enabled=true',
            f'webapp.request_timeout_seconds={timeout_seconds}',
            f'debug.output_max_bytes={OUTPUT_BYTES}',
        )

    def ask(self, do: str, request_id: str, client: str = 'tenant-A', **more: Any) -> int:
        """POST a request and return the status code of the answer."""
        headers = {'Content-Type': 'application/json'}
        if client != ANONYMOUS:
            headers['Authorization'] = f'Bearer {token(client)}'
        port = self.wait_for_line('running')['webapp_port']
        body = json.dumps({'do': do, 'request_id': request_id, **more}).encode()
        request = urllib.request.Request(f'http://127.0.0.1:{port}/process', body, headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code


@dataclass(frozen=True)
class WebTown:
    """`first` has a request that waits; `second` has no patience with any."""

    folder: Path
    first: WebWorker
    second: WebWorker
    waiting: Future[int]


def token(client: str) -> str:
    return f'token-of-{client}'


def build(folder: Path) -> None:
    """Write what the town has, and the endpoint's handler and clients."""
    town.build(folder)
    (folder / 'webhandlers.py').write_text(HANDLER)
    lines = ['', '[webapp]', 'port = 0']
    for client, rpm in LIMITS.items():
        lines += ['', f'[webapp.clients.{client}]', f'rpm = {rpm}']
        if client != ANONYMOUS:
            lines.append(f'token = {token(client)}')
    with (folder / 'drakkar.ini').open('a') as config:
        config.writelines(f'{line}\n' for line in lines)


@contextmanager
def running(folder: Path) -> Iterator[WebTown]:
    """Run two workers with all kinds of requests behind them; one request waits."""
    build(folder)
    with ExitStack() as stack:
        first = stack.enter_context(WebWorker(folder, 'bjorn', timeout_seconds=PATIENCE_SECONDS))
        pool = stack.enter_context(ThreadPoolExecutor(2))
        try:
            wait_for(lambda: first.partitions(), 'partitions of the first', 60)
            first.give(first.partitions()[0], {'do': 'ok', 'name': 'message'})
            slow = pool.submit(first.ask, 'wait', 'slow-request')
            waiting = pool.submit(first.ask, 'wait', 'waiting-request')
            assert first.ask('ok', 'finished-request', note=LONG) == 200
            assert first.ask('ok', 'of-nobody', client=ANONYMOUS) == 200
            assert first.ask('ok', 'in-haste', client='hasty') == 200
            assert first.ask('ok', 'in-haste-2', client='hasty') == 429
            assert first.ask('ok', 'stranger', client='unknown') == 401
            second = stack.enter_context(WebWorker(folder, 'ubbe', timeout_seconds=0.3))
            assert second.ask('wait', 'too-late') == 504
            (folder / 'go.slow-request').touch()
            assert slow.result(20) == 200
            first.event('event=task_completed&origin=log')
            yield WebTown(folder, first, second, waiting)
        finally:
            (folder / 'go').touch()
