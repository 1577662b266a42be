"""Who goes next: waiting items in priority order. Pure, no clock and no greenlets."""

from __future__ import annotations

import heapq
from typing import Any, Generic, TypeVar

T = TypeVar('T')

# Below this many cancelled entries the heap is not worth rebuilding.
_GARBAGE_MIN = 64


class Gate(Generic[T]):
    """A priority queue: smaller keys first, equal ones in order of arrival.

    Any key that knows `<` will do. Two keys of which neither is smaller, or
    whose comparison raises, count as equal, so a bad key can neither lose an
    item nor raise here: it waits in order of arrival. `incomparable` counts the
    comparisons that raised.

    Plain numbers, the usual case, are compared by the interpreter itself. The
    first other key moves the whole queue to guarded comparisons for good.
    """

    def __init__(self) -> None:
        self._heap: list[Any] = []
        self._items: dict[int, T] = {}
        self._arrivals = 0
        self._guarded = False
        self.incomparable = 0

    def __len__(self) -> int:
        return len(self._items)

    def push(self, item: T, key: Any) -> int:
        """Queue `item`; return the ticket that `cancel` takes."""
        self._arrivals = ticket = self._arrivals + 1
        self._items[ticket] = item
        if self._guarded:
            heapq.heappush(self._heap, _Entry((key, ticket, self)))
        elif type(key) is int or (type(key) is float and key == key):
            heapq.heappush(self._heap, (key, ticket))
        else:
            self._guard()
            heapq.heappush(self._heap, _Entry((key, ticket, self)))
        return ticket

    def pop(self) -> T | None:
        """Take the first item, or None where nothing waits."""
        while self._heap:
            item = self._items.pop(heapq.heappop(self._heap)[1], None)
            if item is not None:
                return item
        return None

    def cancel(self, ticket: int) -> T | None:
        """Take that item out of its turn; None where it is not waiting any more."""
        item = self._items.pop(ticket, None)
        garbage = len(self._heap) - len(self._items)
        if garbage > _GARBAGE_MIN and garbage > len(self._items):
            self._heap = [entry for entry in self._heap if entry[1] in self._items]
            heapq.heapify(self._heap)
        return item

    def clear(self) -> list[T]:
        """Take all items, in order of arrival."""
        items = list(self._items.values())
        self._items.clear()
        self._heap.clear()
        return items

    def _guard(self) -> None:
        # The order of the entries does not change, so the list stays a heap.
        self._heap = [_Entry((key, ticket, self)) for key, ticket in self._heap]
        self._guarded = True


class _Entry(tuple[Any, int, Gate[Any]]):
    """A key of any kind, its ticket and the gate; comparing two never raises."""

    __slots__ = ()

    def __lt__(self, other: tuple[Any, ...]) -> bool:
        key, ticket, gate = self
        try:
            if key < other[0]:
                return True
            if other[0] < key:
                return False
        except Exception:
            gate.incomparable += 1
        return bool(ticket < other[1])
