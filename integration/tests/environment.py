"""A native stack of a test's own, on free ports, with a short run of everything."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from integration.servers.fixtures import unobtainable
from integration.servers.kafka import Kafka
from integration.servers.obtain import NotObtainableError
from integration.servers.process import SESSION_MARK
from integration.stack.control import Control, ControlError
from integration.stack.program import ROOT
from integration.stack.services import SERVERS

REPORT = 'DRAKKAR_TEST_REPORT'
_START_SECONDS = 180
_POLL_SECONDS = 0.2
_ORDER_SECONDS = 100

# Everything of the page in little time: fewer and shorter searches, and times a twentieth.
SHORT = {'SPEED': '20', 'SLOW_REPEAT': '20-30', 'USUAL_REPEAT': '3-7', 'SEED': '7'}


class Environment:
    """A running stack; a context manager that ends it and sees that nothing is left.

    Args:
        folder: for all its files.
        words: further words for `up`.
        variables: environment variables of the stack, and so of all its programs.
    """

    def __init__(self, folder: Path, *words: str, **variables: str) -> None:
        self.state = folder / 'state'
        self.output = folder / 'stack.log'
        self.control = Control(self.state)
        self._variables = {**os.environ, **variables, SESSION_MARK: 'session'}
        self._command = [sys.executable, '-m', 'integration.stack', '--state', str(self.state)]
        self._words = ['up', '--free', '--no-load', *words]

    def __enter__(self) -> Environment:
        with self.output.open('ab') as output:
            self._process = subprocess.Popen(
                [*self._command, *self._words],
                cwd=ROOT,
                env=self._variables,
                stdout=output,
                stderr=output,
            )
        try:
            eventually(self._ready, _START_SECONDS, lambda: f'the stack\n{self.log()[-3000:]}')
            self.ports: dict[str, int] = self.control.ask('status')['ports']
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """End it as Ctrl-C does."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self.exit_code = self._process.wait(timeout=120)
        finally:
            self.kill()  # where it does not end

    def log(self) -> str:
        """Return what the stack has printed."""
        return self.output.read_text(errors='replace')

    def tell(self, *words: str) -> None:
        """Give an order by the command line. Raises CalledProcessError."""
        subprocess.run([*self._command, *words], cwd=ROOT, env=self._variables, check=True)

    def told(self, *words: str) -> tuple[int, str, str]:
        """Give an order; return its exit code, what it printed, and what it printed as an error."""
        return order(self.state, *words)

    def kill(self) -> None:
        """End the stack alone, with SIGKILL."""
        self._process.kill()
        self._process.wait()

    def request(
        self, port: str, path: str, body: Any = None, token: str = ''
    ) -> tuple[int, dict[str, str], str]:
        """Send a GET, or a POST with a body; return status, headers and content."""
        headers = {'Content-Type': 'application/json'} if body is not None else {}
        if token:
            headers['Authorization'] = f'Bearer {token}'
        url = f'http://127.0.0.1:{self.ports[port]}{path}'
        sent = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(
                urllib.request.Request(url, sent, headers), timeout=30
            ) as answer:
                return answer.status, dict(answer.headers), answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read().decode()

    def json(self, port: str, path: str, token: str = '') -> Any:
        """Return what a GET that is answered with 200 says."""
        status, _, content = self.request(port, path, token=token)
        assert status == 200, content
        return json.loads(content)

    def redis(self, *words: str) -> str:
        """Return the first line of Redis' answer to a command."""
        with socket.create_connection(('127.0.0.1', self.ports['redis']), timeout=5) as connection:
            connection.sendall((' '.join(words) + '\r\n').encode())
            return connection.recv(4096).decode().partition('\r\n')[0]

    def chaos(self, name: str, total: int, *words: str) -> dict[str, Any]:
        """Start the producer and play the rolling outage; return its report."""
        folder = Path(os.environ.get(REPORT) or self.state) / name
        self.tell('start', 'producer', f'TOTAL_MESSAGES={total}')
        words = ('--report', str(folder), '--total', str(total), '--limit', '240', *words)
        code, told = self._chaos_test('--speed', SHORT['SPEED'], *words)
        assert code == 0, told[-4000:]
        found: dict[str, Any] = json.loads((folder / 'chaos.json').read_text())
        return {**found, 'text': (folder / 'chaos.txt').read_text()}

    def prove(self) -> tuple[int, str]:
        """Have the books read; return the exit code and what was printed."""
        return self._chaos_test('--prove')

    def _chaos_test(self, *words: str) -> tuple[int, str]:
        script = str(ROOT / 'integration' / 'chaos-test.sh')
        path = f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}'
        done = subprocess.run(
            [script, '--state', str(self.state), *words],
            env={**self._variables, 'PATH': path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def _ready(self) -> bool:
        if self._process.poll() is not None:
            raise AssertionError(f'the stack ended\n{self.log()[-3000:]}')
        with contextlib.suppress(ControlError):
            self.control.ask('status')
            return 'stack: ready' in self.log()
        return False


def order(state: Path, *words: str) -> tuple[int, str, str]:
    """Give an order to the stack of a folder; return exit code, output and errors."""
    done = subprocess.run(
        [sys.executable, '-m', 'integration.stack', '--state', str(state), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=_ORDER_SECONDS,
    )
    return done.returncode, done.stdout, done.stderr


def obtain_servers() -> None:
    """Fetch what is missing; skip the test, or fail it, where a server can not be had."""
    kinds: list[Any] = [Kafka, *SERVERS.values()]
    try:
        for kind in kinds:
            kind.obtain()
    except NotObtainableError as error:
        unobtainable(str(error))


def eventually(
    condition: Callable[[], object], timeout: float, what: Callable[[], str] | str
) -> None:
    """Wait until `condition()` holds. Raises TimeoutError."""
    until = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > until:
            told = what if isinstance(what, str) else what()
            raise TimeoutError(f'not within {timeout:g} s: {told}')
        time.sleep(_POLL_SECONDS)
