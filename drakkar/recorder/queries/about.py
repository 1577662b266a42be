"""Who wrote a file, and from when to when."""

from __future__ import annotations

import sqlite3
from typing import Any

from drakkar import jsonio


def worker_config(connection: sqlite3.Connection, worker: str | None = None) -> dict[str, Any]:
    """Return what the writer of the file said of itself, by key; of `worker` in a merged file."""
    names = [row['name'] for row in connection.execute('PRAGMA table_info(worker_config)')]
    if 'worker' in names:
        sql = 'SELECT key, value FROM worker_config WHERE worker = ?'
        rows = connection.execute(sql, (worker or '',))
    else:
        rows = connection.execute('SELECT key, value FROM worker_config')
    found = {}
    for row in rows:
        try:
            found[row['key']] = jsonio.loads(row['value'])
        except ValueError:
            found[row['key']] = row['value']
    return found


def workers(connection: sqlite3.Connection) -> list[str]:
    """Return the workers whose events a file has: one, or all of a merged file."""
    names = [row['name'] for row in connection.execute('PRAGMA table_info(worker_config)')]
    if 'worker' not in names:
        return [str(worker_config(connection).get('worker_id', ''))]
    sql = "SELECT DISTINCT worker FROM worker_config WHERE worker <> '' ORDER BY worker"
    return [row['worker'] for row in connection.execute(sql)]


def time_range(connection: sqlite3.Connection) -> dict[str, Any]:
    """Return the times of the first and the last event (None without any) and their number.

    Ids have no gaps, since rows are only appended and taken away from the front, so
    nothing has to be counted.
    """
    sql = 'SELECT id, ts FROM events ORDER BY id {} LIMIT 1'
    first = connection.execute(sql.format('ASC')).fetchone()
    last = connection.execute(sql.format('DESC')).fetchone()
    if first is None:
        return {'from': None, 'to': None, 'events': 0}
    return {'from': first['ts'], 'to': last['ts'], 'events': last['id'] - first['id'] + 1}


def last_state(connection: sqlite3.Connection) -> dict[str, Any] | None:
    """Return the worker's newest snapshot that was recorded, with its time as `ts`."""
    row = connection.execute(
        'SELECT ts, state FROM worker_state ORDER BY id DESC LIMIT 1'
    ).fetchone()
    if row is None:
        return None
    try:
        return {'ts': row['ts'], 'state': jsonio.loads(row['state'])}
    except ValueError:
        return {'ts': row['ts'], 'state': row['state']}
