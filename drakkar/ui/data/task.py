"""One task with all that is known of it."""

from __future__ import annotations

import time
from typing import Any

from drakkar.recorder.trace import Search, find_task, places
from drakkar.recorder.words import command_line, in_words, is_failure
from drakkar.ui import links
from drakkar.ui.context import UiContext
from drakkar.ui.data.events import event
from drakkar.ui.errors import HttpError
from drakkar.ui.schema import ANY, BOOLEAN, INTEGER, NUMBER, TEXT, listing, maybe, record

SECONDS = 4.0
# What a run wrote; a task has that of its last run with any.
_OUTPUT = {
    'stdout': maybe(TEXT),
    'stderr': maybe(TEXT),
    'stdout_truncated': BOOLEAN,
    'stderr_truncated': BOOLEAN,
    'output_omitted': BOOLEAN,
    'precomputed': BOOLEAN,
}
_RUN = record(
    attempt=INTEGER,
    status=TEXT,
    started_at=maybe(NUMBER),
    ended_at=maybe(NUMBER),
    pid=maybe(INTEGER),
    slot=maybe(INTEGER),
    queue_seconds=maybe(NUMBER),
    spawn_seconds=maybe(NUMBER),
    worker=maybe(TEXT),
    duration=maybe(NUMBER),
    exit_code=maybe(INTEGER),
    kind=maybe(TEXT),
    action=maybe(TEXT),
    exception=maybe(TEXT),
    **_OUTPUT,
)
_FAMILY = record(task_id=TEXT, status=TEXT, url=TEXT)
_BAR = record(what=TEXT, kind=TEXT, start=NUMBER, end=NUMBER, status=TEXT, note=TEXT)
TASK = record(
    task_id=TEXT,
    status=TEXT,
    worker=maybe(TEXT),
    topic=maybe(TEXT),
    partition=maybe(INTEGER),
    offset=maybe(INTEGER),
    source=listing(record(offset=INTEGER, url=TEXT)),
    origin=maybe(TEXT),
    client_name=maybe(TEXT),
    request_id=maybe(TEXT),
    labels=ANY,
    args=ANY,
    command=TEXT,
    pid=maybe(INTEGER),
    slot=maybe(INTEGER),
    exit_code=maybe(INTEGER),
    duration=maybe(NUMBER),
    **_OUTPUT,
    runs=listing(_RUN),
    parent=maybe(_FAMILY),
    children=listing(_FAMILY),
    request=ANY,
    timeline=listing(_BAR),
    events=listing(ANY),
)


def task(context: UiContext, task_id: str) -> dict[str, Any]:
    """Return a task from this worker's recorder, its peers' files and older ones.

    Raises HttpError(404) where nobody knows it.
    """
    deadline = time.monotonic() + SECONDS
    search = Search(where(context, deadline), deadline)
    found = find_task(task_id, search)
    if found is None:
        raise HttpError(404, _unknown(task_id, search))
    parent, rows = (
        found['parent'],
        sorted([*found['events'], *found['related']], key=lambda row: row['ts']),
    )
    kept = {name: found[name] for name in TASK['properties'] if name in found}
    return {
        **kept,
        'source': [_source(found['partition'], offset) for offset in found['source_offsets']],
        'command': _command(context, found),
        'parent': {'task_id': parent, 'status': '', 'url': links.task(parent)} if parent else None,
        'children': [{**each, 'url': links.task(each['task_id'])} for each in found['children']],
        'request': _request(found['request']),
        'events': [
            {**event(row), 'words': in_words(row), 'failure': is_failure(row)} for row in rows
        ],
    }


def _request(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the request and its answer, each with its words."""
    if not found:
        return None
    told = {
        name: {**found[name], 'words': in_words(found[name])}
        for name in ('received', 'answered')
        if found[name]
    }
    return {**found, **told}


def _command(context: UiContext, found: dict[str, Any]) -> str:
    """Return the command line, with the configured program where the task named none."""
    program = found['binary_path']
    if not program and found['worker'] in (None, context.worker_id):
        program = context.config.executor.binary_path
    return command_line({'args': found['args'], 'metadata': {'binary_path': program}})


def where(context: UiContext, deadline: float) -> list[Any]:
    """Return the places to search: this worker's recorder first."""
    recorder = context.recorder
    return places(
        context.databases,
        deadline,
        read=recorder.read if recorder else None,
        current=recorder.path if recorder else None,
        worker=context.worker_id,
    )


def _source(partition: int | None, offset: int) -> dict[str, Any]:
    url = '' if partition is None else links.trace(partition, offset)
    return {'offset': offset, 'url': url}


def _unknown(task_id: str, search: Search) -> str:
    shown = task_id if len(task_id) <= 60 else f'{task_id[:57]}...'
    why = '' if search.complete else '; the time was over before all was searched'
    problems = ''.join(f'; {text}' for text in search.problems.values())
    return (
        f'no task {shown!r} was recorded: it may be too new (events are written every moment), or'
        f' older than what is kept{why}{problems}'
    )
