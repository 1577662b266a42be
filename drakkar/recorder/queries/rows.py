"""Rows of `events` as plain data, and the pieces of SQL that every query shares."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from drakkar import jsonio
from drakkar.recorder.tables import MAX_SPAN, EventRow

_JSON = ('args', 'labels', 'metadata')
_OUTPUTS = ('stdout', 'stderr')
# Of an output that is only listed, so many characters are read.
PREVIEW_CHARS = 2000


def columns(connection: sqlite3.Connection, *, preview: bool = False) -> str:
    """Return what to select from `events`; with `worker` if there is one, in a preview output cut.

    The length of a whole output comes as `stdout_length` and `stderr_length`.
    """
    present = {row['name'] for row in connection.execute('PRAGMA table_info(events)')}
    names = ['id', *(n for n in (*EventRow._fields, 'worker') if n in present)]
    if preview:
        names = [
            f'substr({n}, 1, {PREVIEW_CHARS}) AS {n}, length({n}) AS {n}_length'
            if n in _OUTPUTS
            else n
            for n in names
        ]
    return ', '.join(names)


def as_dict(row: sqlite3.Row) -> dict[str, Any]:
    """Return a row with its JSON columns parsed; one that is no JSON stays a text."""
    fields = dict(zip(row.keys(), row, strict=True))
    for name in _JSON:
        if fields.get(name) is not None:
            fields[name] = _parsed(fields[name])
    return fields


def as_dicts(rows: Sequence[sqlite3.Row]) -> list[dict[str, Any]]:
    """Return rows as `as_dict` does."""
    return [as_dict(row) for row in rows]


def details(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row's metadata, empty where it has none."""
    metadata = row.get('metadata')
    return metadata if isinstance(metadata, dict) else {}


def offsets_of(row: dict[str, Any]) -> list[int]:
    """Return the offsets that a row speaks of: listed ones, else its range."""
    listed = details(row).get('source_offsets') or details(row).get('offsets')
    if isinstance(listed, list):
        return [offset for offset in listed if isinstance(offset, int)]
    first, last = row.get('offset'), row.get('last_offset')
    if first is None:
        return []
    return list(range(first, min(last or first, first + MAX_SPAN) + 1))


# A row concerns an offset when it is its first one, or its range reaches over it and the list of
# offsets, where there is one, has it. The bounds make it a search in the index.
CONCERNS_OFFSET = f"""
    offset BETWEEN :offset - {MAX_SPAN} AND :offset
    AND (offset = :offset OR last_offset >= :offset AND CASE
        WHEN NOT json_valid(metadata) THEN 1
        WHEN json_type(metadata, '$.source_offsets') = 'array' THEN :offset IN (
            SELECT value FROM json_each(metadata, '$.source_offsets'))
        WHEN json_type(metadata, '$.offsets') = 'array' THEN :offset IN (
            SELECT value FROM json_each(metadata, '$.offsets'))
        ELSE 1 END)
"""


def _parsed(text: str) -> Any:
    try:
        return jsonio.loads(text)
    except ValueError:
        return text
