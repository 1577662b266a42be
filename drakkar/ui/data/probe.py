"""The form of the Message Probe, and the shape of its reports."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import structlog

from drakkar.recorder.queries import EventFilter, events_page
from drakkar.ui.context import UiContext
from drakkar.ui.data.example import example_of
from drakkar.ui.schema import (
    ANY,
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

log = structlog.get_logger('drakkar.ui')

_BYTES = maybe(record(text=TEXT, encoding=TEXT, bytes=INTEGER, truncated=BOOLEAN))
_OUTPUT = record(text=TEXT, characters=INTEGER, truncated=BOOLEAN)
_SHOWN = {'value': ANY, 'truncated': BOOLEAN, 'problem': TEXT}

REQUEST: Schema = {
    'type': 'object',
    'required': ['value'],
    'additionalProperties': False,
    'properties': {
        'value': maybe(TEXT),
        'encoding': {'type': 'string', 'enum': ['text', 'base64'], 'default': 'text'},
        'key': maybe(TEXT),
        'key_encoding': {'type': 'string', 'enum': ['text', 'base64'], 'default': 'text'},
        'headers': mapping(TEXT),
        'topic': TEXT,
        'partition': INTEGER,
        'offset': INTEGER,
        'timestamp': maybe(NUMBER),
        'timeout_seconds': NUMBER,
        'probe_id': TEXT,
    },
}

ATTEMPT = record(
    attempt=INTEGER,
    action=TEXT,
    status=TEXT,
    exit_code=maybe(INTEGER),
    exception=TEXT,
    pid=maybe(INTEGER),
    slot=INTEGER,
    duration_seconds=NUMBER,
    queue_seconds=NUMBER,
    stdout=_OUTPUT,
    stderr=_OUTPUT,
)
TASK = record(
    task_id=TEXT,
    parent_task_id=maybe(TEXT),
    binary_path=TEXT,
    args=listing(TEXT),
    args_count=INTEGER,
    source_offsets=listing(INTEGER),
    labels=mapping(TEXT),
    metadata=record(**_SHOWN),
    env=mapping(TEXT),
    stdin=_BYTES,
    own_timeout_seconds=maybe(NUMBER),
    precomputed=BOOLEAN,
    runs=INTEGER,
    attempts=listing(ATTEMPT),
)
HOOK = record(
    hook=TEXT,
    task_id=TEXT,
    start=NUMBER,
    duration_seconds=maybe(NUMBER),
    error=TEXT,
    payloads=listing(record(type=TEXT, sink=TEXT, error=TEXT, **_SHOWN)),
    more_payloads=INTEGER,
)
REPORT = record(
    probe_id=TEXT,
    status={'type': 'string', 'enum': ['completed', 'timeout', 'cancelled', 'failed']},
    started_at=NUMBER,
    duration_seconds=NUMBER,
    timeout_seconds=NUMBER,
    message=record(
        topic=TEXT,
        partition=INTEGER,
        offset=INTEGER,
        timestamp=NUMBER,
        label=TEXT,
        key=_BYTES,
        value=_BYTES,
        headers=listing(record(name=TEXT, value=_BYTES)),
    ),
    decode=record(ok=BOOLEAN, error=TEXT, payload=maybe(record(**_SHOWN))),
    offset_complete=BOOLEAN,
    tasks=listing(TASK),
    hooks=listing(HOOK),
    sinks=mapping(INTEGER),
    unroutable=INTEGER,
    dead_letters=listing(record(stage=TEXT, error=TEXT, task_id=TEXT, attempts=INTEGER)),
    annotations=listing(record(at=NUMBER, **_SHOWN)),
    exceptions=listing(record(hook=TEXT, error=TEXT, traceback=TEXT, times=INTEGER)),
    timeline=listing(
        record(
            stage=TEXT,
            label=TEXT,
            start=NUMBER,
            duration=NUMBER,
            failed=BOOLEAN,
            open=BOOLEAN,
        )
    ),
    left_out=mapping(INTEGER),
)


def example(context: UiContext) -> dict[str, Any]:
    """Return a message to begin with: the place of the latest one, and a value that may decode."""
    return {'value': example_value(context), **_place(context)}


def example_value(context: UiContext) -> str:
    """Return a value by the handler's `input_schema`; empty where it takes raw bytes."""
    handler = context.handler_class
    if handler.input_format == 'raw':
        return ''
    if handler.input_schema is None:
        return '{}'
    try:
        return json.dumps(example_of(handler.input_schema), indent=2, default=str)
    except Exception:  # the user's schema may do anything when it is made
        log.warning('example_failed', handler=handler.__name__, exc_info=True)
        return '{}'


def _place(context: UiContext) -> dict[str, Any]:
    """Return topic, partition and offset of the message consumed last, as far as one knows."""
    latest = context.recorder.read(_latest_consumed) if context.recorder is not None else None
    if latest is not None:
        return {**latest, 'known': True}
    for partition in context.snapshot().partitions:
        topic, number = partition.partition
        offset = max(0, (partition.committed or 0) - 1)
        return {'topic': topic, 'partition': number, 'offset': offset, 'known': False}
    return {'topic': 'probe', 'partition': 0, 'offset': 0, 'known': False}


def _latest_consumed(connection: sqlite3.Connection) -> dict[str, Any] | None:
    for row in events_page(connection, EventFilter(types=('consumed',)), limit=1)['events']:
        offset = row['last_offset'] if row['last_offset'] is not None else row['offset']
        return {'topic': row['topic'] or 'probe', 'partition': row['partition'], 'offset': offset}
    return None
