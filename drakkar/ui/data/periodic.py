"""The handler's `@periodic` methods and how their last runs went."""

from __future__ import annotations

from typing import Any

from drakkar import redact
from drakkar.ui.context import UiContext
from drakkar.ui.schema import BOOLEAN, INTEGER, NUMBER, TEXT, listing, maybe, record
from drakkar.worker.periodic import PeriodicState

RUN = record(started_at=NUMBER, duration_seconds=NUMBER, error=TEXT)
PERIODIC = listing(
    record(
        name=TEXT,
        seconds=NUMBER,
        on_error=TEXT,
        state=TEXT,
        runs=INTEGER,
        failures=INTEGER,
        running=BOOLEAN,
        last_started_at=maybe(NUMBER),
        last_duration_seconds=maybe(NUMBER),
        last_error=TEXT,
        next_at=maybe(NUMBER),
        recent=listing(RUN),
    )
)
_ERROR_CHARACTERS = 2000


def periodic(context: UiContext) -> list[dict[str, Any]]:
    """Return every method with its recent runs, the newest first."""
    return [_row(state) for state in context.periodic()]


def _row(state: PeriodicState) -> dict[str, Any]:
    return {
        'name': state.name,
        'seconds': state.schedule.seconds,
        'on_error': state.schedule.on_error,
        'state': _word(state),
        'runs': state.runs,
        'failures': state.failures,
        'running': state.running,
        'last_started_at': state.last_started_at,
        'last_duration_seconds': state.last_duration,
        'last_error': _error(state.last_error),
        'next_at': state.next_at,
        'recent': [
            {
                'started_at': run.started_at,
                'duration_seconds': run.duration,
                'error': _error(run.error),
            }
            for run in reversed(state.recent)
        ],
    }


def _word(state: PeriodicState) -> str:
    if state.stopped:
        return 'stopped'
    if state.running:
        return 'running'
    if state.last_error:
        return 'failed'
    return 'ok' if state.runs else 'pending'


def _error(text: str) -> str:
    return redact.text(text[:_ERROR_CHARACTERS])
