"""Pages of events, newest first, whatever the filter: never more work than a bound."""

from __future__ import annotations

import sqlite3
from typing import Any

from drakkar.recorder.queries.filters import EventFilter
from drakkar.recorder.queries.rows import CONCERNS_OFFSET, as_dicts, columns

MAX_LIMIT = 5000
# Rows that one page looks at where no index leads to the wanted ones.
SCAN_ROWS = 500_000
# A partition with no more rows than this is found by its index and sorted.
FEW_ROWS = 20_000
# Times are those of one clock that may have been set, so they rise with the ids only roughly.
_CLOCK_SLACK_SECONDS = 60.0

_CONDITIONS = {
    'topic': 'topic = :topic',
    'task_id': 'task_id = :task_id',
    'request_id': 'request_id = :request_id',
    'origin': 'origin = :origin',
    'since': 'ts >= :since',
    'until': 'ts <= :until',
}


def events_page(
    connection: sqlite3.Connection,
    wanted: EventFilter,
    before: int | None = None,
    limit: int = 100,
) -> dict[str, Any]:
    """Return up to `limit` wanted events with ids below `before`, the newest first.

    `events` are the rows; `has_more` says that older ones may follow, and `next` is
    then the `before` of the next page. A page may be short, or empty, and have more:
    so much was looked at by then, back to the time `searched_to`.
    """
    limit = max(1, min(limit, MAX_LIMIT))
    oldest, newest = _id_range(connection)
    first, end = oldest, newest + 1
    if wanted.since is not None:
        first = max(first, id_at(connection, wanted.since - _CLOCK_SLACK_SECONDS))
    if wanted.until is not None:
        end = min(end, id_at(connection, wanted.until + _CLOCK_SLACK_SECONDS))
    if before is not None:
        end = min(end, before)

    by_index = wanted.is_selective or _is_rare_partition(connection, wanted)
    low = first if by_index or not wanted.needs_scan else max(first, end - SCAN_ROWS)
    sql = page_sql(connection, wanted, by_index)
    types = {f'type{n}': name for n, name in enumerate(wanted.types)}
    values = {**wanted.values(), **types, 'low': low, 'end': end, 'limit': limit + 1}
    rows = as_dicts(connection.execute(sql, values).fetchall())

    if len(rows) > limit:
        following: int | None = rows[limit - 1]['id']
    else:
        following = low if low > first else None
    return {
        'events': rows[:limit],
        'has_more': following is not None,
        'next': following,
        'searched_to': _time_of(connection, low) if following == low else None,
    }


def page_sql(connection: sqlite3.Connection, wanted: EventFilter, by_index: bool) -> str:
    """Return the query of a page, whose parameters are named as in EventFilter.

    `by_index` where an index leads to few rows. Otherwise the rows come in the order
    of their ids: of all types together, or from each type's index.
    """
    parts = _parts(wanted, by_index)
    chosen = columns(connection, preview=True)
    order = 'ORDER BY id DESC LIMIT :limit'
    if by_index or not wanted.types:
        if wanted.types:
            names = ', '.join(f':type{n}' for n in range(len(wanted.types)))
            parts.append(f'+event IN ({names})')
        # The plus keeps SQLite from a walk along all ids where an index finds the few.
        key = '+id' if by_index else 'id'
        where = ' AND '.join([f'{key} >= :low AND {key} < :end', *parts])
        return f'SELECT {chosen} FROM events WHERE {where} {order}'
    branches = ' UNION ALL '.join(
        'SELECT * FROM (SELECT id FROM events WHERE '
        + ' AND '.join([f'event = :type{n} AND id >= :low AND id < :end', *parts])
        + f' {order})'
        for n in range(len(wanted.types))
    )
    return f'SELECT {chosen} FROM events WHERE id IN ({branches}) {order}'


def counts_by_type(connection: sqlite3.Connection, since: float | None = None) -> dict[str, int]:
    """Return how many events there are of each type, those of the time `since` on if given."""
    first = 0 if since is None else id_at(connection, since)
    sql = 'SELECT event, count(*) FROM events WHERE id >= ? GROUP BY event'
    return dict(connection.execute(sql, (first,)).fetchall())


def id_at(connection: sqlite3.Connection, ts: float) -> int:
    """Return the first id whose time is `ts` or later, as far as times rise with ids."""
    low, newest = _id_range(connection)
    high = newest + 1
    while low < high:
        middle = (low + high) // 2
        row = connection.execute(
            'SELECT id, ts FROM events WHERE id >= ? ORDER BY id LIMIT 1', (middle,)
        ).fetchone()
        if row['ts'] < ts:
            low = row['id'] + 1
        else:
            high = middle
    return low


def _parts(wanted: EventFilter, by_index: bool) -> list[str]:
    """Return the conditions but for type and id."""
    parts = [sql for name, sql in _CONDITIONS.items() if getattr(wanted, name) is not None]
    if wanted.labels:
        parts.append(r"labels LIKE :labels ESCAPE '\'")
    if wanted.partition is not None:
        parts.append('partition = :partition' if by_index else '+partition = :partition')
    if wanted.offset is not None:
        parts.append(CONCERNS_OFFSET)
    return parts


def _is_rare_partition(connection: sqlite3.Connection, wanted: EventFilter) -> bool:
    if wanted.partition is None:
        return False
    sql = 'SELECT count(*) FROM (SELECT 1 FROM events WHERE partition = ? LIMIT ?)'
    (count,) = connection.execute(sql, (wanted.partition, FEW_ROWS + 1)).fetchone()
    return bool(count <= FEW_ROWS)


def _id_range(connection: sqlite3.Connection) -> tuple[int, int]:
    # Two searches in the key; `SELECT min(id), max(id)` in one would read every row.
    row = connection.execute(
        'SELECT (SELECT min(id) FROM events) AS low, (SELECT max(id) FROM events) AS high'
    ).fetchone()
    return row['low'] or 1, row['high'] or 0


def _time_of(connection: sqlite3.Connection, row_id: int) -> float | None:
    sql = 'SELECT ts FROM events WHERE id >= ? ORDER BY id LIMIT 1'
    row = connection.execute(sql, (row_id,)).fetchone()
    return None if row is None else float(row['ts'])
