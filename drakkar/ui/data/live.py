"""What runs now and ran lately: the live page, its JSON twin and its topic."""

from __future__ import annotations

from typing import Any

from drakkar.recorder.live import LiveBoard
from drakkar.ui.context import UiContext
from drakkar.ui.errors import HttpError
from drakkar.ui.schema import BOOLEAN, INTEGER, NUMBER, TEXT, listing, mapping, maybe, record

TABS = ('executors', 'arrange', 'collect')

BAR = record(
    id=INTEGER,
    revision=INTEGER,
    task_id=TEXT,
    name=TEXT,
    http=BOOLEAN,
    message=TEXT,
    labels=mapping(TEXT),
    command=TEXT,
    slot=INTEGER,
    pid=maybe(INTEGER),
    start=NUMBER,
    end=maybe(NUMBER),
    state=TEXT,
    attempt=INTEGER,
    exit_code=maybe(INTEGER),
    action=TEXT,
    error=TEXT,
)
ARRANGED = record(
    revision=INTEGER,
    time=NUMBER,
    partition=INTEGER,
    first_offset=INTEGER,
    last_offset=INTEGER,
    messages=INTEGER,
    labels=listing(TEXT),
    tasks=INTEGER,
    duration=NUMBER,
    request=TEXT,
)
COLLECTED = record(
    revision=INTEGER,
    time=NUMBER,
    hook=TEXT,
    partition=INTEGER,
    task_id=TEXT,
    name=TEXT,
    http=BOOLEAN,
    message=TEXT,
    messages=INTEGER,
    labels=mapping(TEXT),
    outputs=mapping(INTEGER),
    duration=NUMBER,
)
EARLIER = record(bars=listing(BAR), earlier=INTEGER)
LIVE = record(
    now=NUMBER,
    pool=record(slots=INTEGER, active=INTEGER, waiting=INTEGER, idle_slot_seconds=NUMBER),
    revision=INTEGER,
    min_duration=NUMBER,
    limits=record(bars=INTEGER, calls=INTEGER),
    bars=listing(BAR),
    earlier=INTEGER,
    arranged=listing(ARRANGED),
    collected=listing(COLLECTED),
)


def board(context: UiContext) -> LiveBoard:
    """Return the worker's live board. Raises HttpError(404) where it has none."""
    if context.live is None:
        raise HttpError(404, 'this worker keeps no live data')
    found: LiveBoard = context.live
    return found


def live(context: UiContext) -> dict[str, Any]:
    """Return what runs now, the last bars and the last calls."""
    return board(context).snapshot()


def earlier(context: UiContext, before: int, limit: int) -> dict[str, Any]:
    """Return the last bars that were over before revision `before`."""
    return board(context).before(before, limit)
