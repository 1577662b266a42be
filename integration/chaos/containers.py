"""The orders of the chaos test for the containers of docker-compose.yml."""

from __future__ import annotations

import subprocess
from typing import Any

from integration.stack.control import ControlError
from integration.stack.plan import page_ports
from integration.stack.program import ROOT

FILE = ROOT / 'integration' / 'docker-compose.yml'
_COMPOSE = ['docker', 'compose', '-f', str(FILE)]
_ANSWER_SECONDS = 60


class Containers:
    """Does what `Control` does for the native stack; the ports are those of the page."""

    def __init__(self) -> None:
        self._under_way: list[tuple[str, subprocess.Popen[bytes]]] = []

    def ask(self, action: str, service: str = '', **variables: str) -> dict[str, Any]:
        """Ask for `status`, or `start`, `stop` or `kill` a service, without waiting for its end.

        Raises ControlError.
        """
        if action == 'status':
            self._running()
            return {'ports': page_ports()}
        try:
            # A stop waits for the worker's tasks: the dashboards are to be looked at meanwhile.
            process = subprocess.Popen([*_COMPOSE, action, service])
        except OSError as error:
            raise ControlError(f'docker: {error.strerror}') from error
        self._under_way.append((f'{action} {service}', process))
        return {'done': action}

    def running(self, service: str) -> bool:
        """Return whether a service runs, ready or not.

        Raises ControlError, also where an order has failed by now: an outage that did not take
        place proves nothing.
        """
        for order, process in self._under_way:
            if process.poll():
                raise ControlError(f'docker compose {order}: exit code {process.returncode}')
        return service in self._running()

    def close(self) -> None:
        """Wait for what was asked for."""
        for _, process in self._under_way:
            process.wait()

    def _running(self) -> list[str]:
        command = [*_COMPOSE, 'ps', '--services', '--status', 'running']
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ControlError(f'docker: {error}') from error
        if done.returncode != 0:
            raise ControlError(f'docker compose ps: {done.stderr.strip()}')
        return done.stdout.split()
