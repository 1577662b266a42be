"""A socket by which a running stack is asked to stop, kill or start one of its services."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Answer = dict[str, Any]
_ANSWER_SECONDS = 30
_POLL_SECONDS = 0.2


class ControlError(Exception):
    """The stack does not run, or can not do what it was asked for."""


def default_state() -> Path:
    """Return the folder of this user's stack: its socket, logs and the workers' files."""
    return Path(tempfile.gettempdir()) / f'drakkar-integration-{os.getuid()}'


class ControlServer:
    """Takes one request a connection, a line of JSON, and answers with another."""

    def __init__(self, state: Path, act: Callable[[str, str, dict[str, str]], Answer]) -> None:
        self._path = state / 'control.sock'
        self._path.unlink(missing_ok=True)
        self._act = act
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(self._path))
        self._socket.listen(8)

    def serve(self, seconds: float) -> None:
        """Answer those who ask, for so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._socket.settimeout(left)
            with contextlib.suppress(OSError):
                connection, _ = self._socket.accept()
                with connection:
                    connection.settimeout(5)
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        with connection.makefile('rwb') as stream:
            line = stream.readline()
            if not line:
                return  # it only looked whether this runs
            try:
                asked = json.loads(line)
                if not isinstance(asked, dict):
                    raise ControlError(f'no order: {asked!r}')
                action, service = asked.get('action', ''), asked.get('service', '')
                answer = self._act(action, service, asked.get('variables', {}))
            except (ControlError, ValueError) as error:
                answer = {'error': str(error)}
            stream.write(json.dumps(answer).encode() + b'\n')

    def close(self) -> None:
        self._socket.close()
        self._path.unlink(missing_ok=True)


class Control:
    """The other end: for the command line, the chaos test and the tests."""

    def __init__(self, state: Path | None = None) -> None:
        self._path = (state or default_state()) / 'control.sock'

    def ask(self, action: str, service: str = '', **variables: str) -> Answer:
        """Ask for `status`, `ready`, `start`, `stop` or `kill`. Raises ControlError."""
        request = {'action': action, 'service': service, 'variables': variables}
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(_ANSWER_SECONDS)
                connection.connect(str(self._path))
                with connection.makefile('rwb') as stream:
                    stream.write(json.dumps(request).encode() + b'\n')
                    stream.flush()
                    answer: Answer = json.loads(stream.readline() or b'{"error": "it ended"}')
        except TimeoutError as error:
            where = self._path.parent
            raise ControlError(f'the stack at {where} does not answer, it is busy') from error
        except OSError as error:
            raise ControlError(f'no stack runs at {self._path.parent}') from error
        if 'error' in answer:
            raise ControlError(answer['error'])
        return answer

    def alive(self) -> bool:
        """Return whether there is a stack, which may be starting, without asking it anything."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self._path))
            return True
        return False

    def running(self, service: str) -> bool:
        """Return whether a service runs, ready or not."""
        return bool(self.ask('status')['services'][service]['running'])

    def close(self) -> None:
        """Nothing is kept open."""

    def stop(self, service: str, timeout: float = 60) -> None:
        """Stop a service and wait for its end. Raises ControlError."""
        self.ask('stop', service)
        self.wait_ended(service, timeout)

    def wait_ended(self, service: str, timeout: float = 60) -> None:
        """Wait until a service has ended. Raises ControlError."""
        until = time.monotonic() + timeout
        while self.running(service):
            if time.monotonic() > until:
                raise ControlError(f'{service} still runs after {timeout:g} s')
            time.sleep(_POLL_SECONDS)
