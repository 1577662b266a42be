"""One task, whole: its runs, what it served, its family, and what happened when."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import Any

from drakkar.recorder.queries.rows import as_dicts, columns, details, offsets_of
from drakkar.recorder.queries.runs import FLAGS, runs_of, status_of
from drakkar.recorder.queries.timeline import timeline
from drakkar.recorder.tables import MAX_SPAN

# Runs of one task are few; this only bounds what a handler that retries for ever can cost.
_MAX_ROWS = 200
_MAX_RELATED = 2000
# Its window was arranged so many rows before its first run at most, in the usual case.
_EARLIER_ROWS = 5000
_TASK_EVENTS = ('task_started', 'task_completed', 'task_failed', 'task_retried', 'task_complete')
# What the file says of the request behind a task, by the names in its rows' metadata.
_REQUEST_ENDS = ('webapp_request_completed', 'webapp_request_timeout')


@dataclass(slots=True)
class TaskRows:
    """What one file has of a task: its own rows, and those around its messages or its request."""

    own: list[dict[str, Any]] = field(default_factory=list)
    near: list[dict[str, Any]] = field(default_factory=list)


def task(connection: sqlite3.Connection, task_id: str) -> dict[str, Any] | None:
    """Return all that the file knows of a task as `describe_task` does; None if that is nothing."""
    return describe_task(task_id, task_rows(connection, task_id))


def task_rows(connection: sqlite3.Connection, task_id: str) -> TaskRows:
    """Return the rows of one file that `describe_task` needs."""
    sql = f'SELECT {columns(connection)} FROM events WHERE task_id = ? ORDER BY id LIMIT ?'
    own = as_dicts(connection.execute(sql, (task_id, _MAX_ROWS)).fetchall())
    return TaskRows(own, _near(connection, own) if own else [])


def describe_task(task_id: str, rows: TaskRows) -> dict[str, Any] | None:
    """Return what is known of a task, or None where it has no rows.

    `runs` are its attempts, oldest first, each with pid, slot, times, outcome and
    output; the same facts of the last one stand at the top too. `parent` and
    `children` are tasks that it replaces or that replace it, `timeline` is made of
    bars with their start and end, `events` are its rows, `related` those of its
    payloads, messages and request that concern it; no row is in both.
    """
    if not rows.own:
        return None
    own = [row for row in rows.own if row['event'] in _TASK_EVENTS] or rows.own
    runs = runs_of(own)
    identity = _identity(own)
    served = set(identity['source_offsets'])
    related = [r for r in rows.own if r not in own]
    related += [r for r in rows.near if _concerns(r, task_id, served)]
    related.sort(key=lambda row: (row['ts'], row['id']))
    last = runs[-1] if runs else {}
    return {
        'task_id': task_id,
        'status': status_of(own),
        **identity,
        **{name: last.get(name) for name in ('pid', 'slot', 'exit_code', 'duration')},
        **_outputs(runs),
        'runs': runs,
        'more_rows': len(rows.own) >= _MAX_ROWS,
        'parent': _parent(own),
        'children': _children(rows.near, task_id),
        'request': _request(rows.near, identity['request_id']),
        'timeline': timeline(own, related),
        'events': own,
        'related': related,
    }


def _identity(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what is the same for all runs, from the first row that says it."""
    names = ('topic', 'partition', 'offset', 'args', 'labels', 'origin', 'client_name')
    found = {
        name: next((r[name] for r in rows if r[name] is not None), None)
        for name in (*names, 'request_id')
    }
    stated = [offsets_of(row) for row in rows]
    found['source_offsets'] = max(stated, key=len, default=[])
    found['binary_path'] = next((b for r in rows if (b := details(r).get('binary_path'))), None)
    found['worker'] = next((w for r in rows if (w := r.get('worker'))), None)
    return found


def _outputs(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the output of the last run that has any recorded, and what is to be said of it."""
    said = [run for run in runs if run['stdout'] is not None or run['stderr'] is not None]
    last = said[-1] if said else runs[-1] if runs else {}
    outputs = {name: last.get(name) for name in ('stdout', 'stderr')}
    return {**outputs, **{name: bool(last.get(name)) for name in FLAGS}}


def _near(connection: sqlite3.Connection, own: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows that may concern the task: those around its offsets, or of its request."""
    first = own[0]
    chosen = columns(connection, preview=True)
    if first['request_id']:
        # A client may send an id again: the number in the place of an offset tells them apart.
        where, values = 'request_id = ? AND offset IS ?', [first['request_id'], first['offset']]
    else:
        offsets = [offset for row in own for offset in offsets_of(row)]
        if not offsets or first['partition'] is None:
            return []
        low, high = min(offsets), max(offsets)
        where = (
            'partition = ? AND offset BETWEEN ? AND ? AND (offset >= ? OR last_offset >= ?)'
            ' AND +id >= ?'
        )
        values = [first['partition'], low - MAX_SPAN, high, low, low, first['id'] - _EARLIER_ROWS]
    sql = f'SELECT {chosen} FROM events WHERE {where} ORDER BY id LIMIT ?'
    return as_dicts(connection.execute(sql, (*values, _MAX_RELATED)).fetchall())


def _concerns(row: dict[str, Any], task_id: str, served: set[int]) -> bool:
    if row['task_id'] is not None:
        return False
    if row['event'].startswith('webapp_'):
        return True
    if row['event'] in ('message_complete', 'dlq_sent'):
        return row['offset'] in served
    tasks = details(row).get('tasks')
    return isinstance(tasks, list) and task_id in tasks


def _parent(rows: list[dict[str, Any]]) -> str | None:
    return next((p for row in rows if (p := details(row).get('parent_task_id'))), None)


def _children(near: list[dict[str, Any]], task_id: str) -> list[dict[str, Any]]:
    mine: dict[str, list[dict[str, Any]]] = {}
    for row in near:
        if row['task_id'] and details(row).get('parent_task_id') == task_id:
            mine.setdefault(row['task_id'], [])
    for row in near:
        if row['task_id'] in mine and row['event'] in _TASK_EVENTS:
            mine[row['task_id']].append(row)
    return [{'task_id': child, 'status': status_of(rows)} for child, rows in mine.items()]


def _request(near: list[dict[str, Any]], request_id: str | None) -> dict[str, Any] | None:
    """Return the HTTP request behind the task with its answer, as far as they were recorded."""
    if not request_id:
        return None
    found: dict[str, Any] = {'request_id': request_id, 'received': None, 'answered': None}
    for row in near:
        if row['event'] == 'webapp_request_received':
            found['received'] = row
        elif row['event'] in _REQUEST_ENDS:
            found['answered'] = row
    return found
