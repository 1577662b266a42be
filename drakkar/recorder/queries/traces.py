"""What one file knows of a message or a request, and who carries a label."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from drakkar import jsonio
from drakkar.recorder.queries.events import SCAN_ROWS
from drakkar.recorder.queries.filters import like
from drakkar.recorder.queries.rows import (
    CONCERNS_OFFSET,
    as_dicts,
    columns,
    details,
    offsets_of,
)

MAX_ROWS = 1000
_MAX_TASKS = 200
# Lists in a shared row that are longer are cut: a poll may name thousands of offsets.
_MAX_LISTED = 50


def message_rows(
    connection: sqlite3.Connection, partition: int, offset: int, topic: str = ''
) -> list[dict[str, Any]]:
    """Return the rows that concern one message, in order: at most MAX_ROWS.

    Those of a range or a list that has its offset, those of its tasks, and the first
    commit that covers it.
    """
    chosen = _columns(connection)
    values = {'partition': partition, 'offset': offset, 'topic': topic, 'limit': MAX_ROWS}
    same_topic = "AND (:topic = '' OR topic = :topic)"
    sql = (
        f'SELECT {chosen} FROM events WHERE partition = :partition AND {CONCERNS_OFFSET}'
        f" {same_topic} AND event <> 'committed' ORDER BY id LIMIT :limit"
    )
    rows = as_dicts(connection.execute(sql, values).fetchall())
    rows += _of_tasks(connection, {row['task_id'] for row in rows if row['task_id']})
    if rows:
        # A commit names the offset to go on from, so the message is below it.
        values['first'] = min(row['id'] for row in rows)
        sql = (
            f'SELECT {chosen} FROM events WHERE partition = :partition AND offset > :offset'
            f" AND +event = 'committed' {same_topic} AND id >= :first ORDER BY offset, id LIMIT 1"
        )
        rows += as_dicts(connection.execute(sql, values).fetchall())
    return _ordered(rows)


def request_rows(connection: sqlite3.Connection, request_id: str) -> list[dict[str, Any]]:
    """Return the rows of one HTTP request, in order: at most MAX_ROWS."""
    sql = f'SELECT {_columns(connection)} FROM events WHERE request_id = ? ORDER BY id LIMIT ?'
    return _ordered(as_dicts(connection.execute(sql, (request_id, MAX_ROWS)).fetchall()))


def named(
    connection: sqlite3.Connection, value: str, key: str = '', limit: int = 20
) -> dict[str, Any]:
    """Return what a name stands for: `messages` as (topic, partition, offset), `requests` as ids.

    Looked for as a request's id, a task's id (both only without a `key`), and as the
    value of a label, the newest first, in the newest SCAN_ROWS rows; `more` says that
    there are others beyond `limit`.
    """
    rows: list[dict[str, Any]] = []
    chosen = _columns(connection)
    if not key:
        for column in ('request_id', 'task_id'):
            sql = f'SELECT {chosen} FROM events WHERE {column} = ? ORDER BY id DESC LIMIT ?'
            rows = as_dicts(connection.execute(sql, (value, MAX_ROWS)).fetchall())
            if rows:
                break
    if not rows:
        rows = _labelled(connection, chosen, value, key)
    messages: dict[tuple[str, int, int], None] = {}
    requests: dict[str, None] = {}
    for row in rows:
        if row['request_id']:
            requests[row['request_id']] = None
        elif row['partition'] is not None:
            for offset in offsets_of(row)[: limit + 1]:
                messages[row['topic'] or '', row['partition'], offset] = None
    return {
        'messages': list(messages)[:limit],
        'requests': list(requests)[:limit],
        'more': len(messages) > limit or len(requests) > limit,
    }


def _labelled(
    connection: sqlite3.Connection, chosen: str, value: str, key: str
) -> list[dict[str, Any]]:
    # The text is JSON: a value stands in it as JSON writes it.
    pattern = like(jsonio.dumps(value)[1:-1])
    sql = (
        f'SELECT {chosen} FROM events WHERE id > (SELECT max(id) FROM events) - ?'
        r" AND labels LIKE ? ESCAPE '\' ORDER BY id DESC LIMIT ?"
    )
    rows = as_dicts(connection.execute(sql, (SCAN_ROWS, pattern, MAX_ROWS)).fetchall())
    return [row for row in rows if _has_label(row['labels'], value, key)]


def _has_label(labels: Any, value: str, key: str) -> bool:
    if not isinstance(labels, dict):
        return False
    return str(labels.get(key)) == value if key else value in map(str, labels.values())


def _of_tasks(connection: sqlite3.Connection, ids: Iterable[str]) -> list[dict[str, Any]]:
    """Return the rows of tasks: some may not say which message they serve."""
    known = sorted(ids)[:_MAX_TASKS]
    if not known:
        return []
    marks = ', '.join('?' * len(known))
    sql = (
        f'SELECT {_columns(connection)} FROM events WHERE task_id IN ({marks}) ORDER BY id LIMIT ?'
    )
    return as_dicts(connection.execute(sql, (*known, MAX_ROWS)).fetchall())


def _columns(connection: sqlite3.Connection) -> str:
    present = {row['name'] for row in connection.execute('PRAGMA table_info(events)')}
    extra = ', source_id' if 'source_id' in present else ''
    return columns(connection, preview=True) + extra


def _ordered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    unique = {row['id']: row for row in rows}
    chosen = sorted(unique.values(), key=lambda row: (row['ts'], row['id']))[:MAX_ROWS]
    for row in chosen:
        _cut_lists(details(row))
    return chosen


def _cut_lists(metadata: dict[str, Any]) -> None:
    for name, value in metadata.items():
        if isinstance(value, list) and len(value) > _MAX_LISTED:
            metadata[name] = [*value[:_MAX_LISTED], f'... {len(value) - _MAX_LISTED:,} more']
