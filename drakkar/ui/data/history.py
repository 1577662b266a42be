"""The event browser: which events were asked for, what was found, and where to go on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from drakkar import moments
from drakkar.errors import DrakkarError
from drakkar.recorder import queries
from drakkar.recorder.databases import NoSuchDatabaseError
from drakkar.recorder.events import EVENT_TYPES
from drakkar.recorder.queries import EventFilter
from drakkar.recorder.trace import ask_file
from drakkar.recorder.words import in_words, is_failure
from drakkar.ui import links, slices
from drakkar.ui.context import UiContext
from drakkar.ui.data.events import EVENT, event
from drakkar.ui.errors import HttpError
from drakkar.ui.request import Request
from drakkar.ui.routes import Parameter
from drakkar.ui.schema import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    TEXT,
    Schema,
    listing,
    mapping,
    maybe,
    record,
)

ORIGINS = ('kafka', 'log', 'http')
PAGE_ROWS = 100
FILE_SECONDS = 10.0
_MAX_CHARS = 200

# The toggles, in groups of what belongs together.
GROUPS: dict[str, tuple[str, ...]] = {
    'Messages': (
        'consumed',
        'arranged',
        'message_complete',
        'window_complete',
        'committed',
        'parse_failed',
    ),
    'Tasks': ('task_started', 'task_completed', 'task_failed', 'task_retried', 'task_complete'),
    'Delivery': (
        'produced',
        'sink_delivered',
        'sink_error',
        'dlq_sent',
        'circuit_opened',
        'circuit_closed',
    ),
    'Worker': (
        'assigned',
        'revoked',
        'backpressure_on',
        'backpressure_off',
        'periodic_run',
        'runtime_stall',
        'annotation',
    ),
    'HTTP': tuple(name for name in EVENT_TYPES if name.startswith('webapp_')),
}

DETAILED: Schema = record(
    **EVENT['properties'],
    words=TEXT,
    failure=BOOLEAN,
    stdout=maybe(TEXT),
    stderr=maybe(TEXT),
    stdout_length=maybe(INTEGER),
    stderr_length=maybe(INTEGER),
)
HISTORY = record(
    events=listing(DETAILED),
    next=maybe(INTEGER),
    searched_to=maybe(NUMBER),
    file=TEXT,
    older_file=TEXT,
    problem=TEXT,
)
COUNTS = record(counts=mapping(INTEGER), problem=TEXT)

FILE = Parameter('file', 'A recorder file of db_dir, instead of the current one of this worker.')
QUERY = (
    Parameter('event', 'Only events of these types; all without it.', repeated=True),
    Parameter('topic', 'Only events of this topic.'),
    Parameter('partition', 'Only events of this partition.', 'integer'),
    Parameter('offset', 'Only events that concern this offset.', 'integer'),
    Parameter('origin', f'Only what came from there: {", ".join(ORIGINS)}.'),
    Parameter('task_id', 'Only events of this task.'),
    Parameter('request_id', 'Only events of this HTTP request.'),
    Parameter('labels', 'A text that the labels contain.'),
    Parameter('since', f'Not older: {moments.EXPECTED}.'),
    Parameter('until', 'Not newer, as `since`.'),
    Parameter('before', 'Only events with ids below this one: the `next` of a page.', 'integer'),
    FILE,
    Parameter('limit', 'Events on a page.', 'integer', PAGE_ROWS),
)


def wanted(request: Request) -> EventFilter:
    """Return the filter that the query asks for. Raises HttpError(400)."""
    types = tuple(dict.fromkeys(request.many('event')))
    unknown = [name for name in types if name not in EVENT_TYPES]
    if unknown:
        raise HttpError(400, f'there is no event type {unknown[0][:40]!r}')
    origin = _text(request, 'origin') or None
    if origin and origin not in ORIGINS:
        raise HttpError(400, f'origin must be one of {", ".join(ORIGINS)}')
    return EventFilter(
        types=types,
        topic=_text(request, 'topic') or None,
        partition=request.integer('partition'),
        offset=request.integer('offset'),
        task_id=_text(request, 'task_id') or None,
        origin=origin,
        request_id=_text(request, 'request_id') or None,
        since=_moment(request, 'since'),
        until=_moment(request, 'until'),
        labels=_text(request, 'labels'),
    )


def history(
    context: UiContext,
    chosen: EventFilter,
    before: int | None = None,
    limit: int = PAGE_ROWS,
    file: str = '',
) -> dict[str, Any]:
    """Return a page of events with all that is known of each, the newest first.

    Of the current file, or of `file`; at its end `older_file` names the one before it.
    Raises HttpError(404) for a file that does not exist.
    """
    shown: dict[str, Any] = {'events': [], 'next': None, 'searched_to': None, 'file': file}
    rows = max(1, min(limit, context.max_rows))
    try:
        found = _ask(context, file, queries.events_page, chosen, before, rows)
    except DrakkarError as error:
        # Nothing was written yet, after a rotation for example: the older files have it.
        return {**shown, 'older_file': _older_file(context, file), 'problem': str(error)}
    return {
        **shown,
        'events': slices.each(detailed, found['events']),
        'next': found['next'],
        'searched_to': found['searched_to'],
        'older_file': '' if found['has_more'] else _older_file(context, file),
        'problem': '',
    }


def counts(context: UiContext, file: str = '') -> dict[str, Any]:
    """Return how many events of each type the current file has, or `file`."""
    try:
        return {'counts': _ask(context, file, queries.counts_by_type), 'problem': ''}
    except DrakkarError as error:
        return {'counts': {}, 'problem': str(error)}


def _ask(context: UiContext, file: str, fn: Callable[..., Any], *args: Any) -> Any:
    if file:
        try:
            path = context.databases.path(file)
        except NoSuchDatabaseError as error:
            raise HttpError(404, str(error)) from None
        return ask_file(path, time.monotonic() + FILE_SECONDS, fn, *args)
    if context.recorder is None:
        raise DrakkarError('Recording is off: [debug] enabled = false.')
    return context.recorder.read(fn, *args)


def _older_file(context: UiContext, file: str) -> str:
    """Return the name of the file before this one, of the same worker; empty if there is none."""
    files = context.databases.find()
    current = context.recorder.path if context.recorder else None
    name = file or (current.name if current else '')
    shown = next((f for f in files if f.name == name), None)
    worker = shown.worker if shown else context.worker_id
    begin = (shown.start or shown.modified) if shown else time.time()
    older = [
        f for f in files if f.worker == worker and not f.merged and f.name != name and f.events
    ]
    return next((f.name for f in older if f.start is not None and f.start < begin), '')


def detailed(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as other lists have it, with its words and the beginnings of its outputs."""
    outputs = ('stdout', 'stderr', 'stdout_length', 'stderr_length')
    return {
        **event(row),
        'words': in_words(row),
        'failure': is_failure(row),
        **{name: row.get(name) for name in outputs},
    }


def link(chosen: EventFilter, **changes: Any) -> str:
    """Return the address of the same list with some filters changed."""
    kept = {
        'event': list(chosen.types),
        'topic': chosen.topic,
        'partition': chosen.partition,
        'offset': chosen.offset,
        'origin': chosen.origin,
        'task_id': chosen.task_id,
        'request_id': chosen.request_id,
        'labels': chosen.labels,
        **changes,
    }
    return links.history(**{k: v for k, v in kept.items() if v not in (None, '', [])})


def _text(request: Request, name: str) -> str:
    text = request.text(name).strip()
    if len(text) > _MAX_CHARS:
        raise HttpError(400, f'{name} may have {_MAX_CHARS} characters')
    return text


def _moment(request: Request, name: str) -> float | None:
    text = request.text(name).strip()
    if not text:
        return None
    try:
        return moments.parse(text)
    except (ValueError, OverflowError) as error:
        raise HttpError(400, f'{name}: {error}') from None
