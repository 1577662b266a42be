"""A step that is done again and again in a greenlet of its own."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from gevent.event import Event

from drakkar.greenlets import NamedGreenlet, kill_all

log = structlog.get_logger('drakkar.cache')


class Loop:
    """Does `step()` every `seconds`, and when it is woken; a step that fails is not its end."""

    def __init__(self, name: str, seconds: float, step: Callable[[], object]) -> None:
        self._name = name
        self._seconds = seconds
        self._step = step
        self._wake = Event()
        self._greenlet: NamedGreenlet | None = None

    def start(self, at_once: bool = False) -> None:
        """Begin with a pause, or with the first step."""
        if at_once:
            self._wake.set()
        self._greenlet = NamedGreenlet(self._name, self._run)
        self._greenlet.start()

    def wake(self) -> None:
        """Let the next step begin now. Never waits."""
        self._wake.set()

    def stop(self) -> None:
        """End it, in the middle of a step too. Idempotent."""
        greenlet, self._greenlet = self._greenlet, None
        if greenlet is not None:
            kill_all([greenlet])

    def _run(self) -> None:
        while True:
            self._wake.wait(self._seconds)
            self._wake.clear()
            try:
                self._step()
            except Exception:
                log.exception('cache_step_failed', step=self._name)
