"""Workers of one configuration as real processes, which can be killed at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_STOP_SECONDS = 90


class Workers:
    """Owns every worker that it started; `processes` has those that were not ended.

    Args:
        ini: configuration of all of them; the log of each is beside it.
    """

    def __init__(self, ini: Path) -> None:
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ini = ini
        self._begins: dict[str, int] = {}

    def start(self, name: str) -> None:
        """Start a worker; what it prints is added to its log."""
        with self.log(name).open('ab') as output:
            self._begins[name] = output.tell()
            self.processes[name] = subprocess.Popen(
                [sys.executable, '-m', 'drakkar', 'serve', '-c', str(self._ini)],
                stdout=output,
                stderr=output,
                cwd=_ROOT,
                env={**os.environ, 'WORKER_ID': name},
            )

    def log(self, name: str) -> Path:
        """Return the file of a worker's log."""
        return self._ini.with_name(f'{name}.log')

    def is_running(self, name: str) -> bool:
        """Return whether a worker's last start got as far as polling."""
        with self.log(name).open('rb') as log:
            log.seek(self._begins[name])
            return b'"event":"running"' in log.read()

    def kill(self, name: str) -> None:
        """End a worker with SIGKILL: no drain, no commit, no goodbye."""
        worker = self.processes.pop(name)
        worker.kill()
        worker.wait()

    def stop(self) -> dict[str, int]:
        """End all workers with SIGTERM; return their exit codes."""
        for worker in self.processes.values():
            worker.send_signal(signal.SIGTERM)
        codes = {name: w.wait(timeout=_STOP_SECONDS) for name, w in self.processes.items()}
        self.processes.clear()
        return codes

    def close(self) -> None:
        """Kill all that are left."""
        for name in list(self.processes):
            self.kill(name)
