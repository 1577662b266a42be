"""Which offsets of a partition are complete, and up to where it may be committed. Pure."""

from __future__ import annotations

from collections import deque


class OffsetTracker:
    """Follows offsets from consumption to completion.

    Offsets come in rising order (gaps are normal: compaction, transactions) and
    complete in any order. `watermark` is the next offset to consume after a
    restart: one past the last offset below which all are complete, or None
    before there is one. `last` is the offset consumed last, -1 before the first.
    """

    __slots__ = ('_complete', '_pending', 'last', 'watermark')

    def __init__(self) -> None:
        self._pending: deque[int] = deque()
        self._complete: set[int] = set()
        self.last = -1
        self.watermark: int | None = None

    def add(self, offset: int) -> None:
        """Note a consumed offset. Raises ValueError where it is not above the last one."""
        if offset <= self.last:
            raise ValueError(f'offset {offset} follows {self.last}')
        self.last = offset
        self._pending.append(offset)

    def complete(self, offset: int) -> bool:
        """Mark an offset complete; return whether the watermark moved."""
        pending = self._pending
        if not pending or offset != pending[0]:
            self._complete.add(offset)
            return False
        pending.popleft()
        done = self._complete
        while pending and pending[0] in done:
            offset = pending.popleft()
            done.remove(offset)
        self.watermark = offset + 1
        return True

    def __len__(self) -> int:
        """Offsets that are consumed and not complete."""
        return len(self._pending) - len(self._complete)

    def pending(self, limit: int) -> list[int]:
        """Return the first `limit` offsets that are not complete."""
        found = []
        for offset in self._pending:
            if offset not in self._complete:
                found.append(offset)
                if len(found) >= limit:
                    break
        return found
