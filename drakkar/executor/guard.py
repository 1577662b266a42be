"""Keeps the guardian process of a pool alive."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path
from time import monotonic
from typing import Any

import structlog
from gevent.event import Event
from gevent.hub import get_hub
from gevent.monkey import get_original

log = structlog.get_logger('drakkar.executor')

_posix_spawn: Any = get_original('os', 'posix_spawn')

# What ends the worker must not end its guardian, not even in its first moments.
_DEAF_TO = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
_SCRIPT = Path(__file__).with_name('guardian.py')
# One that dies right after its start is not started again at once: it would for ever.
_SHORT_LIFE_SECONDS = 10.0
_RESTART_DELAY_SECONDS = 1.0
_STOP_SECONDS = 2.0


class Guard:
    """Starts the guardian, and another when that dies. Callbacks run in the hub."""

    def __init__(self, pool_token: str) -> None:
        self._token = pool_token
        self._loop: Any = None
        self._child: Any = None
        self._timer: Any = None
        self._started_at = 0.0
        self._gone = Event()
        self._stopping = False
        self.pid = 0  # of the running guardian, 0 where there is none

    def start(self) -> None:
        """Start the guardian; where that fails, log it and try again later."""
        self._loop = get_hub().loop
        self._spawn()

    def stop(self) -> None:
        """End the guardian and reap it. Idempotent."""
        self._stopping = True
        self._drop_timer()
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self._gone.wait(_STOP_SECONDS)
        self._drop_child()

    def _spawn(self) -> None:
        self._drop_timer()
        self._started_at = monotonic()
        # Without the pool's mark in its environment, or it would kill itself; without our
        # standard streams, or whoever reads them would wait for it.
        streams = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in range(3)]
        argv = [sys.executable, '-I', '-S', str(_SCRIPT), self._token, str(os.getpid())]
        try:
            self.pid = _posix_spawn(
                sys.executable, argv, {}, file_actions=streams, setsid=True, setsigmask=_DEAF_TO
            )
        except OSError as error:
            log.warning('guardian_not_started', error=str(error), program=sys.executable)
            self._later()
            return
        self._gone.clear()
        self._child = self._loop.child(self.pid)
        self._child.start(self._on_exit)

    def _on_exit(self) -> None:
        status = self._child.rstatus
        self._drop_child()
        self.pid = 0
        self._gone.set()
        if self._stopping:
            return
        log.warning('guardian_died', exit_code=os.waitstatus_to_exitcode(status))
        if monotonic() - self._started_at > _SHORT_LIFE_SECONDS:
            self._spawn()
        else:
            self._later()

    def _later(self) -> None:
        # Without a reference: it must not keep a loop alive that has nothing else to do.
        self._timer = self._loop.timer(_RESTART_DELAY_SECONDS, ref=False)
        self._timer.start(self._spawn)

    def _drop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.stop()
            timer.close()

    def _drop_child(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.stop()
            child.close()
