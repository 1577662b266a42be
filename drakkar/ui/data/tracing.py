"""A message's story, as the page and the API tell it."""

from __future__ import annotations

import time
from typing import Any

from drakkar.recorder.targets import BadTargetError, parse_target
from drakkar.recorder.trace import DEADLINE_SECONDS, Search, trace
from drakkar.ui import slices
from drakkar.ui.context import UiContext
from drakkar.ui.data.history import DETAILED, detailed
from drakkar.ui.data.task import where
from drakkar.ui.errors import HttpError
from drakkar.ui.schema import BOOLEAN, INTEGER, NUMBER, TEXT, listing, record

_ROW = record(**DETAILED['properties'], worker=TEXT, file=TEXT, after=NUMBER)
TRACE = record(
    target=TEXT,
    found=BOOLEAN,
    messages=listing(TEXT),
    requests=listing(TEXT),
    rows=listing(_ROW),
    workers=listing(TEXT),
    files=listing(TEXT),
    searched=INTEGER,
    more=BOOLEAN,
    complete=BOOLEAN,
    seconds=NUMBER,
    problems=listing(record(file=TEXT, problem=TEXT)),
)


def traced(context: UiContext, text: str) -> dict[str, Any]:
    """Return what is known of a message or of a label. Raises HttpError(400)."""
    try:
        target = parse_target(text)
    except BadTargetError as error:
        raise HttpError(400, str(error)) from None
    began = time.monotonic()
    deadline = began + DEADLINE_SECONDS
    found = trace(target, Search(where(context, deadline), deadline))
    rows = slices.each(_row, found['rows'])
    return {
        **found,
        'rows': rows,
        'workers': list(dict.fromkeys(row['worker'] for row in rows)),
        'seconds': time.monotonic() - began,
    }


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {**detailed(row), **{name: row[name] for name in ('worker', 'file', 'after')}}
