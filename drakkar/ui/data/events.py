"""Recorded events as the pages list them."""

from __future__ import annotations

from typing import Any

from drakkar.errors import DrakkarError
from drakkar.recorder.queries import EventFilter, events_page
from drakkar.recorder.words import in_words, is_failure
from drakkar.ui import links
from drakkar.ui.context import UiContext
from drakkar.ui.schema import ANY, INTEGER, NUMBER, TEXT, listing, maybe, record

EVENT = record(
    id=INTEGER,
    ts=NUMBER,
    event=TEXT,
    topic=maybe(TEXT),
    partition=maybe(INTEGER),
    offset=maybe(INTEGER),
    last_offset=maybe(INTEGER),
    task_id=maybe(TEXT),
    args=ANY,
    exit_code=maybe(INTEGER),
    duration=maybe(NUMBER),
    output_topic=maybe(TEXT),
    metadata=ANY,
    labels=ANY,
    pid=maybe(INTEGER),
    origin=maybe(TEXT),
    client_name=maybe(TEXT),
    request_id=maybe(TEXT),
    state=TEXT,
    place=TEXT,
    trace_url=TEXT,
    task_url=TEXT,
    summary=TEXT,
)
EVENTS = record(
    events=listing(EVENT),
    next=maybe(INTEGER),
    searched_to=maybe(NUMBER),
    problem=TEXT,
)
PAGE_ROWS = 100

_GOOD = {'task_completed', 'message_complete', 'sink_delivered', 'committed', 'circuit_closed'}
_RUNNING = {'task_started', 'task_retried', 'backpressure_on', 'revoked'}


def events(
    context: UiContext, wanted: EventFilter, before: int | None = None, limit: int = PAGE_ROWS
) -> dict[str, Any]:
    """Return a page of recorded events, the newest first, or the problem in words."""
    empty: dict[str, Any] = {'events': [], 'next': None, 'searched_to': None}
    if context.recorder is None:
        return {**empty, 'problem': 'Recording is off: [debug] enabled = false.'}
    try:
        found = context.recorder.read(events_page, wanted, before, min(limit, context.max_rows))
    except DrakkarError as error:
        return {**empty, 'problem': str(error)}
    return {
        'events': [event(row) for row in found['events']],
        'next': found['next'],
        'searched_to': found['searched_to'],
        'problem': '',
    }


def event(row: dict[str, Any]) -> dict[str, Any]:
    """Return a recorded row with what a page says of it and links to."""
    kept = {name: row.get(name) for name in EVENT['properties'] if name in row}
    partition, offset, task_id = row['partition'], row['offset'], row['task_id']
    return {
        **kept,
        'state': state(row),
        'place': _place(row),
        'trace_url': links.trace(partition, offset) if None not in (partition, offset) else '',
        'task_url': links.task(task_id) if task_id else '',
        'summary': _summary(row),
    }


def state(row: dict[str, Any]) -> str:
    """Return the state that colours an event; those of HTTP requests have their own."""
    name = row['event']
    if is_failure(row):
        return 'failed'
    if row.get('origin') == 'http':
        return 'http'
    if name in _GOOD:
        return 'completed'
    return 'pending' if name in _RUNNING else ''


def _place(row: dict[str, Any]) -> str:
    """Return `partition:offset`, with the last offset where a row speaks of several."""
    if row['partition'] is None:
        client, request = row.get('client_name'), row.get('request_id')
        return f'{client or ""}:{request[:8]}' if request else ''
    first, last = row['offset'], row['last_offset']
    if first is None:
        return f'{row["partition"]}'
    return f'{row["partition"]}:{first}' + (f'–{last}' if last not in (None, first) else '')  # noqa: RUF001


def _summary(row: dict[str, Any]) -> str:
    """Return the telling parts of an event in a line."""
    labels = row['labels'] if isinstance(row['labels'], dict) else {}
    parts = [in_words(row), *(f'{key}={value}' for key, value in labels.items())]
    return ' · '.join(part for part in parts if part)[:300]
