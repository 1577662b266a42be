"""A whole worker while browsers watch it, beside the same one that nobody watches."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import gevent

from drakkar.ui.server import UiServer
from drakkar.ui.wiring import add_ui
from drakkar.worker.worker import Worker
from integration.bench import pipeline

_PAGES, _IDLE_PAGES = 50, 10


def run(name: str, count: int, program: str, executors: int) -> dict[str, Any]:
    """Send `count` messages through a worker; `ui-pages-tasks` has pages open meanwhile.

    The pages are WebSockets of another process, which listen to all topics there are.
    """
    with tempfile.TemporaryDirectory(prefix='drakkar-bench-') as folder:
        worker, counter = pipeline.prepare(
            Path(folder), 'tasks', count, program, executors, f'port = 0\ndb_dir = {folder}/events'
        )
        ui = add_ui(worker)
        assert ui is not None
        if name == 'ui-none-tasks':
            return pipeline.measure(worker, counter, count)
        with _pages() as pages:
            opening = gevent.spawn(_open, pages, worker, ui)
            figures = pipeline.measure(worker, counter, count)
            opening.get()
            out, _ = pages.communicate()
        return {**figures, **json.loads(out)}


def _pages() -> subprocess.Popen[str]:
    """Start the process of the pages; it imports before the clock starts."""
    pages = subprocess.Popen(
        [sys.executable, '-m', 'integration.bench.pages'],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert pages.stdout is not None
    pages.stdout.readline()
    return pages


def _open(pages: subprocess.Popen[str], worker: Worker, ui: UiServer) -> None:
    while worker.state == 'starting':
        gevent.sleep(0.01)
    assert pages.stdin is not None
    pages.stdin.write(f'{ui.port} {_PAGES} {_IDLE_PAGES} {",".join(ui.hub.topics)}\n')
    pages.stdin.flush()
