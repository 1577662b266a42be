"""The WebReport: what a client is told of a request that was taken on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from drakkar import jsonio
from drakkar.models.http import HttpOutcome, HttpRequest, SinkTally, Stage, TaskEnd

_NOT_ENDED = TaskEnd()


def encode(
    request: HttpRequest, outcome: HttpOutcome, before: Sequence[Stage], hint: str = ''
) -> bytes:
    """Return the report as JSON; `before` are the stages ahead of the pipeline."""
    head = {
        'request_id': request.request_id,
        'client': request.client_name,
        'started_at': _time(request.received_at),
        'finished_at': _time(outcome.finished_at),
        'duration_ms': _milliseconds(max(0.0, outcome.finished_at - request.received_at)),
        'status': outcome.status,
    }
    tail = {
        'tasks': _tasks(outcome),
        'task_summary': _summary(outcome),
        'cache': {'hits': outcome.cache_hits, 'misses': outcome.cache_misses},
        'sinks': None if outcome.sinks is None else {'by_type': _sinks(outcome.sinks)},
        'timeline': [
            {'stage': stage.name, 'duration_ms': _milliseconds(stage.duration)}
            for stage in (*before, *outcome.timeline)
        ],
        'error': outcome.error or None,
    }
    if hint:
        tail['hint'] = hint
    # The result is JSON already: it may be large, and is not encoded a second time.
    return b''.join(
        (
            jsonio.dumps_bytes(head)[:-1],
            b',"result":',
            outcome.result,
            b',',
            jsonio.dumps_bytes(tail)[1:],
            b'\n',
        )
    )


def _tasks(outcome: HttpOutcome) -> list[dict[str, Any]]:
    if outcome.group is None:
        return []
    found = []
    for task in outcome.group.tasks:
        end = outcome.ends.get(task.task_id, _NOT_ENDED)
        found.append(
            {
                'task_id': task.task_id,
                'exit_code': end.exit_code,
                'duration_ms': _milliseconds(end.duration),
                'retries': end.retries,
            }
        )
    return found


def _summary(outcome: HttpOutcome) -> dict[str, int]:
    group = outcome.group
    if group is None:
        return {'total': 0, 'success': 0, 'failed': 0}
    return {'total': group.total, 'success': group.succeeded, 'failed': group.failed}


def _sinks(tally: SinkTally) -> dict[str, dict[str, int]]:
    return {
        sink_type: {
            'attempted': tally.attempted[sink_type],
            'delivered': tally.delivered[sink_type],
            'dlq': tally.dead_lettered[sink_type],
            'errors': tally.errors[sink_type],
        }
        for sink_type in sorted(tally.attempted)
    }


def _time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.isoformat(timespec='milliseconds').replace('+00:00', 'Z')


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
