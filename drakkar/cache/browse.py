"""Looks through the entries for people; changes nothing and keeps nobody waiting."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from drakkar.cache import sql
from drakkar.cache.entry import Entry
from drakkar.readonly import reading

# A search reads every key of the file.
SEARCH_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for: a part of the key, in either case, and a scope; empty for any."""

    q: str = ''
    scope: str = ''
    limit: int = 100

    def matches(self, entry: Entry) -> bool:
        in_scope = not self.scope or (entry.scope is not None and entry.scope.value == self.scope)
        return in_scope and self.q.lower() in entry.key.lower()


def on_disk(path: Path, search: Search, now: float, wal: bool) -> list[Entry]:
    """Return the newest values of the file that match. Blocking: for a native thread.

    Raises UnreadableError, also where it takes too long.
    """
    pattern = search.q.replace('\\', r'\\').replace('%', r'\%').replace('_', r'\_')
    with reading(path, time.monotonic() + SEARCH_SECONDS, wal=wal) as connection:
        rows = connection.execute(
            f'SELECT {sql.COLUMNS} FROM cache_entries WHERE NOT deleted '
            "AND (expires_at IS NULL OR expires_at > ?) AND (? = '' OR scope = ?) "
            "AND key LIKE ? ESCAPE '\\' ORDER BY stamp DESC LIMIT ?",
            (now, search.scope, search.scope, f'%{pattern}%', search.limit),
        ).fetchall()
    return [entry for entry in map(sql.as_entry, rows) if entry is not None]


def newest(
    known: Iterable[Entry], disk: Iterable[Entry], search: Search, now: float
) -> list[Entry]:
    """Return the newest values that match of both; what is `known` hides what is on disk."""
    mine = {entry.key: entry for entry in known}
    found = [e for e in mine.values() if e.is_alive(now) and search.matches(e)]
    found += [e for e in disk if e.key not in mine]
    found.sort(key=lambda entry: entry.rank, reverse=True)
    return found[: search.limit]
