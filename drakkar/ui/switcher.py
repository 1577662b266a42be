"""Who else works here, looked up beside the pages: a slow disk must not slow them."""

from __future__ import annotations

import time

import gevent
import structlog

from drakkar.greenlets import NamedGreenlet
from drakkar.peers import Found, Peers

log = structlog.get_logger('drakkar.ui')

FRESH_SECONDS = 5.0
_PATIENCE_SECONDS = 0.5


class Switcher:
    """Remembers the peers of a shared folder for a moment."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._found = Found()
        self._looked_at = -FRESH_SECONDS
        self._looking: NamedGreenlet | None = None

    def found(self) -> Found:
        """Return what is known; waits for a fresh look, but not for long."""
        if time.monotonic() - self._looked_at >= FRESH_SECONDS:
            if self._looking is None or self._looking.dead:
                self._looking = NamedGreenlet('ui-peers', self._look)
                self._looking.start()
            self._looking.join(_PATIENCE_SECONDS)
        return self._found

    def stop(self) -> None:
        if self._looking is not None:
            self._looking.kill()

    def _look(self) -> None:
        try:
            self._found = self._peers.find()
        except (Exception, gevent.Timeout):  # the menu shows what it knew
            log.exception('peers_not_found')
        self._looked_at = time.monotonic()
