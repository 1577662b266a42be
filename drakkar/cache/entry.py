"""One entry of the cache, and which of two is newer."""

from __future__ import annotations

from dataclasses import dataclass

from drakkar.contracts.cache import Scope

Rank = tuple[int, str, bool, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A key's value as JSON text, or its deletion, for which `json` is empty.

    `expires_at` is in seconds since the epoch; of a deletion it says until when it is
    remembered. `stamp` and `origin` tell when it was written and by which worker.
    `scope` is None for a deletion of what is on disk only: it takes the scope from there.
    """

    key: str
    json: str
    scope: Scope | None
    expires_at: float | None
    stamp: int
    origin: str
    deleted: bool = False

    @property
    def rank(self) -> Rank:
        """A total order, the same for all workers: the largest of a key is the newest."""
        return self.stamp, self.origin, self.deleted, self.json

    def is_alive(self, now: float) -> bool:
        """Return whether it is a value that has not expired."""
        return not self.deleted and (self.expires_at is None or now < self.expires_at)
