"""A service that is a program of this repository: a worker, the producer, a load generator."""

from __future__ import annotations

import http.client
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from integration.servers import ports
from integration.servers.server import NotReadyError, Server

ROOT = Path(__file__).resolve().parents[2]


class Program(Server):
    """A Python module that runs until it ends or is told to.

    Args:
        name: of the service.
        words: the module and its arguments, as after `python -m`.
        variables: its environment, beside this process' own.
        health: port that answers `/readyz` with 200 when it is ready; None: it is at once.
    """

    label = 'program'
    ready_seconds = 90
    # A worker lets running work end first.
    stop_seconds: ClassVar[float] = 45

    def __init__(
        self,
        name: str,
        words: list[str],
        variables: Mapping[str, str],
        health: int | None = None,
    ) -> None:
        self.label = name  # type: ignore[misc]
        super().__init__()
        self.variables = dict(variables)
        self._words = words
        self._health = health
        # Known beforehand: none is to be picked.
        self.ports = [health or 0]

    @classmethod
    def find(cls) -> str | None:
        return sys.executable

    @classmethod
    def fetch(cls) -> None:
        """Nothing to fetch: it is part of the repository."""

    def command(self) -> list[str]:
        return [sys.executable, '-u', '-m', *self._words]

    def environment(self) -> dict[str, str]:
        return {'PYTHONPATH': str(ROOT), **self.variables}

    def ping(self) -> None:
        if self._health is not None:
            http_ok(self._health, '/readyz')

    def wait_ended(self) -> None:
        """Wait for its end after `ask_to_stop`; kill it when that takes too long."""
        if self._process is not None and self._process.wait(self.stop_seconds) is None:
            self.kill()


def http_ok(port: int, path: str) -> None:
    """See that a GET is answered with 200. Raises OSError, NotReadyError."""
    connection = http.client.HTTPConnection(ports.HOST, port, timeout=3)
    try:
        connection.request('GET', path)
        status = connection.getresponse().status
    except http.client.HTTPException as error:
        raise NotReadyError(repr(error)) from error
    finally:
        connection.close()
    if status != 200:
        raise NotReadyError(f'{path}: {status}')
