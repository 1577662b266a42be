"""The runs of a task, from its rows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from drakkar.recorder.queries.rows import details

RUN_ENDS = ('task_completed', 'task_failed')
# What a row may say of a run: was an output cut, left out because it was short, or never made?
FLAGS = ('stdout_truncated', 'stderr_truncated', 'output_omitted', 'precomputed')
# What a task is after a run that failed, by what was decided.
_AFTER_FAILURE = {'retry': 'retrying', 'replace': 'replaced', 'cancelled': 'cancelled'}


def status_of(rows: Iterable[dict[str, Any]]) -> str:
    """Return `running`, `retrying`, `completed`, `failed`, `replaced` or `cancelled`.

    `rows` are those of one task in order; of none of its runs: `unknown`.
    """
    status = 'unknown'
    for row in rows:
        event = row['event']
        if event == 'task_started':
            status = 'running'
        elif event in ('task_completed', 'task_complete'):
            status = 'completed'
        elif event == 'task_failed':
            status = _AFTER_FAILURE.get(str(details(row).get('action')), 'failed')
        elif event == 'task_retried':
            status = 'retrying'
    return status


def runs_of(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the attempts of one task, oldest first, from its rows in order."""
    runs: list[dict[str, Any]] = []
    for row in rows:
        if row['event'] == 'task_started':
            runs.append(_started(row, len(runs) + 1))
        elif row['event'] in RUN_ENDS:
            # No row of its start: precomputed, never spawned, or it is in another file.
            if not runs or runs[-1]['ended_at'] is not None:
                runs.append(_started({**row, 'ts': None}, len(runs) + 1))
            _end(runs[-1], row)
    return runs


def _started(row: dict[str, Any], number: int) -> dict[str, Any]:
    said = details(row)
    return {
        'attempt': said.get('attempt', number),
        'status': 'running',
        'started_at': row['ts'],
        'ended_at': None,
        'pid': row['pid'],
        'slot': said.get('slot'),
        'queue_seconds': said.get('queue_seconds'),
        'spawn_seconds': said.get('spawn_seconds'),
        'worker': row.get('worker'),
        **dict.fromkeys(('duration', 'exit_code', 'kind', 'action', 'exception')),
        **dict.fromkeys(('stdout', 'stderr')),
        **dict.fromkeys(FLAGS, False),
    }


def _end(run: dict[str, Any], row: dict[str, Any]) -> None:
    said = details(row)
    run['status'] = 'completed' if row['event'] == 'task_completed' else 'failed'
    run['ended_at'] = row['ts']
    for name in ('duration', 'exit_code', 'stdout', 'stderr'):
        run[name] = row[name]
    for name in ('kind', 'action', 'exception'):
        run[name] = said.get(name)
    for name in FLAGS:
        run[name] = bool(said.get(name))
    for name in ('attempt', 'slot', 'queue_seconds'):
        run[name] = said.get(name, run[name])
    run['pid'] = row['pid'] or run['pid']
    if run['started_at'] is None and row['pid'] and row['duration'] is not None:
        run['started_at'] = row['ts'] - row['duration']
