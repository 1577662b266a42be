"""A server's process under its keeper: signals to all of it, the end of all of it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from integration.servers import keeper

SESSION_MARK = 'DRAKKAR_TEST_SERVER'
"""Environment variable of a process that may outlive the test in which it was started."""

_KEEPER = Path(keeper.__file__)
_POLL_SECONDS = 0.002
_STILL = (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)


class Process:
    """A program that runs until it is stopped or killed, or this process (its thread) ends."""

    def __init__(
        self,
        command: list[str],
        folder: Path,
        log: Path,
        *,
        user: str = '',
        environment: dict[str, str] | None = None,
        session: bool = False,
    ) -> None:
        own = [sys.executable, '-I', '-S', str(_KEEPER)]
        mark = {SESSION_MARK: 'session'} if session else {}
        with log.open('ab') as output:
            self._keeper = subprocess.Popen(
                [*own, str(os.getpid()), str(folder), user, *command],
                cwd=folder,
                env={**os.environ, **(environment or {}), **mark},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        """Whether the program has not ended (a paused one has not)."""
        return self._keeper.poll() is None

    @property
    def pids(self) -> list[int]:
        """The pids of the program (first) and of all that it started."""
        return [p.pid for p in self._members()]

    def wait(self, timeout: float | None) -> int | None:
        """Return the exit code, 128+N for a signal; None after `timeout` seconds, if given."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._keeper.wait(timeout)
        return None

    def stop(self, signum: int, timeout: float) -> None:
        """Ask the program to end; kill it after `timeout` seconds."""
        self.ask(signum)
        if self.wait(timeout) is None:
            self.kill()

    def ask(self, signum: int) -> None:
        """Send a signal to the program alone, paused or not."""
        self.resume()
        self._keeper.send_signal(signum)

    def kill(self) -> None:
        """End the program and all that it started with SIGKILL, paused or not."""
        self._keeper.send_signal(keeper.KILL_SIGNAL)
        self._keeper.wait()

    def pause(self) -> None:
        """Stop the program with SIGSTOP, and all that it started; return when they stand still."""
        # Again and again: one may have forked meanwhile, and the kernel takes its time.
        while moving := [p for p in self._members() if _status(p) not in _STILL]:
            _send(moving, signal.SIGSTOP)
            time.sleep(_POLL_SECONDS)

    def resume(self) -> None:
        """Let a paused program go on."""
        _send(self._members(), signal.SIGCONT)

    def _members(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(self._keeper.pid).children(recursive=True)
        return []


def _send(processes: list[psutil.Process], signum: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signum)


def _status(process: psutil.Process) -> str:
    try:
        return process.status()
    except psutil.NoSuchProcess:
        return psutil.STATUS_DEAD
