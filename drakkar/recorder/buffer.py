"""Events between the pipeline and the writer: a ring that forgets the oldest."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

# An event as it is noted: the name of what makes a row of it, its time, what belongs to it.
RawEvent = tuple[Any, ...]

# Recorded outputs may be large: as many bytes of them may wait, more are left out.
MAX_OUTPUT_BYTES = 64 << 20
# So many events are written at once even where there is room for more: what waits is also
# looked at by the garbage collector, and its pauses are the hub's.
_ENOUGH = 8000


class Buffer:
    """At most `size` events; when one more comes the oldest is lost and counted.

    The oldest, since whoever asks why events could not be written wants to know what
    happened last. `enough()` is called when a write should not wait any longer.
    """

    __slots__ = ('_enough', '_events', '_size', '_tell', 'lost', 'output_bytes')

    def __init__(self, size: int, enough: Callable[[], None]) -> None:
        self._events: deque[RawEvent] = deque(maxlen=size)
        self._size = size
        self._enough = max(1, min(size // 2, _ENOUGH))
        self._tell = enough
        self.lost = 0
        self.output_bytes = 0

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: RawEvent) -> None:
        """Note an event. Never waits."""
        events = self._events
        count = len(events)
        if count == self._size:
            self.lost += 1
        elif count == self._enough:
            self._tell()
        events.append(event)

    def admits_output(self, size: int) -> bool:
        """Return whether there is room for so many bytes of output, and take it."""
        if self.output_bytes + size > MAX_OUTPUT_BYTES:
            return False
        self.output_bytes += size
        return True

    def take(self) -> list[RawEvent]:
        """Return all events, oldest first, and keep none."""
        events = list(self._events)
        self._events.clear()
        self.output_bytes = 0
        return events


class Backlog:
    """Rows that could not be written yet: at most `size`, and so many bytes of text."""

    def __init__(self, size: int, max_bytes: int = MAX_OUTPUT_BYTES) -> None:
        self.rows: list[RawEvent] = []
        self._size = size
        self._max_bytes = max_bytes

    def trim(self) -> int:
        """Forget the oldest rows beyond the bounds; return how many."""
        rows = self.rows
        first = max(0, len(rows) - self._size)
        room = self._max_bytes
        for index in range(len(rows) - 1, first - 1, -1):
            room -= sum(len(value) for value in rows[index] if isinstance(value, str))
            if room < 0:
                first = index + 1
                break
        del rows[:first]
        return first
