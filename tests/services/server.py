"""A worker as a real process: started, asked, told to stop, and read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from gevent import Timeout, sleep

from tests.services.world import command, environment, run

T = TypeVar('T')


def wait_for(condition: Callable[[], T], what: str, seconds: float = 20) -> T:
    """Wait until `condition()` is true and return what it returned. Raises AssertionError."""
    with Timeout(seconds, AssertionError(f'{what}: not within {seconds} s')):
        while not (value := condition()):
            sleep(0.02)
        return value


class Server:
    """`drakkar serve` in a folder; ended by `stop`, or killed when the block is left."""

    def __init__(self, folder: Path, *args: str, env: Mapping[str, str] = {}) -> None:
        self.folder = folder
        self._args = args
        self._env = dict(env)
        self._said = folder / 'stderr'

    def __enter__(self) -> Server:
        with self._said.open('wb') as stderr:
            self.process = subprocess.Popen(
                command('serve', '-c', 'drakkar.ini', *self._args),
                cwd=self.folder,
                env=environment(self._env),
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    @property
    def said(self) -> str:
        return self._said.read_text()

    def lines(self, event: str = '') -> list[dict[str, Any]]:
        """Return the lines of the worker's log, of one event where it is given."""
        texts = [text for text in self.said.splitlines(True) if text.startswith('{')]
        found = [json.loads(text) for text in texts if text.endswith('\n')]
        return [line for line in found if event in ('', line['event'])]

    def wait_for_line(self, event: str) -> dict[str, Any]:
        def look() -> list[dict[str, Any]]:
            found = self.lines(event)
            assert found or self.process.poll() is None, self.said
            return found

        return wait_for(look, f'log line {event}')[0]

    def get(self, path: str) -> tuple[int, str]:
        """Ask the worker's own HTTP server; return status and body."""
        port = self.wait_for_line('running')['metrics_port']
        try:
            with urllib.request.urlopen(f'http://127.0.0.1:{port}{path}', timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metric(self, name: str) -> float:
        """Return the sum of a metric over all its labels; 0 where it is not there yet."""
        _, text = self.get('/metrics')
        found = [line.split() for line in text.splitlines() if line.startswith(name)]
        return sum(float(value) for key, value in found if key.partition('{')[0] == name)

    def produce(self, *values: Any) -> None:
        """Put messages into the worker's log with `drakkar produce`."""
        lines = ''.join(f'{json.dumps(value)}\n' for value in values)
        outcome = run(self.folder, 'produce', '-c', 'drakkar.ini', env=self._env, stdin=lines)
        assert outcome.code == 0, outcome.err

    def signal(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float = 20) -> int:
        """Wait for the end and return the exit code."""
        with Timeout(seconds, AssertionError(f'the worker does not end:\n{self.said}')):
            return self.process.wait()

    def stop(self) -> int:
        self.signal()
        return self.wait()


def is_running(pid: int) -> bool:
    """Return whether a process is there and no zombie."""
    try:
        status = Path(f'/proc/{pid}/stat').read_text()
    except OSError:
        return False
    return status.rpartition(')')[2].split()[0] != 'Z'


def rows(path: Path) -> list[Any]:
    """Return the lines of a result file, none where it is not there."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def environ_path(*folders: Path) -> dict[str, str]:
    """Return PYTHONPATH with folders before what it holds."""
    old = os.environ.get('PYTHONPATH', '')
    return {'PYTHONPATH': os.pathsep.join([*map(str, folders), *filter(None, [old])])}
