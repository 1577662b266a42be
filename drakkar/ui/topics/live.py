"""The topic `live`: what changed on the live board, four times a second."""

from __future__ import annotations

import time
from typing import Any

from drakkar.recorder.live import LiveBoard
from drakkar.ui.context import UiContext
from drakkar.ui.ws.hub import Topic

INTERVAL_SECONDS = 0.25
# Without a change, so that pages know the worker's clock and how busy its pool was.
_HEARTBEAT_SECONDS = 1.0
# Nobody has listened for so long, so nobody needs what happened meanwhile.
_UNHEARD_SECONDS = 3.0


class Feed:
    """Deltas of a board for all who listen: each says what changed since the one before."""

    def __init__(self, board: LiveBoard) -> None:
        self._board = board
        self._since = 0
        self._ticked = self._told = 0.0
        self._pool: Any = None

    def snapshot(self) -> dict[str, Any]:
        state = self._board.snapshot()
        if time.monotonic() - self._ticked > _UNHEARD_SECONDS:
            # Who did listen and was only late sees that `since` is ahead of it, and asks anew.
            self._since = state['revision']
        return state

    def delta(self) -> dict[str, Any] | None:
        self._ticked = now = time.monotonic()
        delta = self._board.delta(self._since)
        pool = {**delta['pool'], 'idle_slot_seconds': 0}
        changed = delta['revision'] != self._since or pool != self._pool
        if not changed and now - self._told < _HEARTBEAT_SECONDS:
            return None
        self._since, self._told, self._pool = delta['revision'], now, pool
        return delta


def topic(context: UiContext) -> Topic | None:
    """Return the topic; None where the worker has no live board."""
    if context.live is None:
        return None
    feed = Feed(context.live)
    return Topic('live', INTERVAL_SECONDS, feed.snapshot, feed.delta)
