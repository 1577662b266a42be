"""A task's history as bars: what took from when to when. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from drakkar.recorder.queries.rows import details
from drakkar.recorder.queries.runs import RUN_ENDS

# Of these a duration is that of the event itself; others count from the message's arrival.
_SPANS = ('arranged', 'sink_delivered')


def timeline(
    own: Sequence[dict[str, Any]], related: Sequence[dict[str, Any]] = ()
) -> list[dict[str, Any]]:
    """Return bars in order of their start: `what`, `kind`, `start`, `end`, `status`, `note`.

    Times are in seconds since the epoch; what happened at one moment has equal ones.
    `own` are the rows of one task in order, `related` those of what came from it.
    """
    bars = [*_own_bars(own), *map(_related_bar, related)]
    return sorted(bars, key=lambda bar: (bar['start'], bar['end']))


def _own_bars(rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    started: dict[str, Any] | None = None
    last = rows[-1]['ts'] if rows else 0.0
    for row in rows:
        event, ts, said = row['event'], row['ts'], details(row)
        if event == 'task_started':
            yield from _waiting(row)
            started = row
        elif event in RUN_ENDS:
            # A run lasts from the moment before its program was started. It may have been over
            # for a while when the worker came to note it.
            took = row['duration']
            begin = min(started['ts'] if started else ts, ts - (took or 0.0))
            end = ts if took is None else begin + took
            status = 'completed' if event == 'task_completed' else 'failed'
            yield _bar(_run(said, started), 'run', begin, end, status, _outcome(row))
            started = None
        elif event == 'task_retried':
            delay = said.get('delay') or said.get('delay_seconds') or 0.0
            yield _bar('waits to run again', 'wait', ts, ts + delay)
        elif event == 'task_complete':
            begin = ts - (row['duration'] or 0.0)
            yield _bar('on_task_complete', 'hook', begin, ts, 'completed')
    if started:
        yield _bar(_run({}, started), 'run', started['ts'], last, 'running')


def _run(said: dict[str, Any], started: dict[str, Any] | None) -> str:
    known = {**details(started or {}), **said}
    return f'run {known.get("attempt", 1)}'


def _waiting(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    queued, spawn = details(row).get('queue_seconds'), details(row).get('spawn_seconds') or 0.0
    if queued:
        end = row['ts'] - spawn
        yield _bar('waits for a slot', 'wait', end - queued, end)
    if spawn:
        yield _bar('starts the program', 'spawn', row['ts'] - spawn, row['ts'])


def _related_bar(row: dict[str, Any]) -> dict[str, Any]:
    event, said = row['event'], details(row)
    sink = said.get('sink') or row['output_topic'] or ''
    failed = event in ('sink_error', 'dlq_sent', 'webapp_request_timeout')
    begin = row['ts'] - (row['duration'] or 0.0) if event in _SPANS else row['ts']
    what = f'{event} {sink}' if sink else event
    return _bar(what, 'event', begin, row['ts'], 'failed' if failed else '', _outcome(row))


def _outcome(row: dict[str, Any]) -> str:
    said = details(row)
    kind, action = said.get('kind'), said.get('action')
    parts = [
        kind if kind != 'exit' else None,
        None if row['exit_code'] is None else f'exit code {row["exit_code"]}',
        f'then {action}' if action else None,
        said.get('exception') or said.get('error'),
    ]
    return ', '.join(str(part) for part in parts if part)


def _bar(
    what: str, kind: str, start: float, end: float, status: str = '', note: str = ''
) -> dict[str, Any]:
    return {
        'what': what,
        'kind': kind,
        'start': start,
        'end': max(start, end),
        'status': status,
        'note': note,
    }
