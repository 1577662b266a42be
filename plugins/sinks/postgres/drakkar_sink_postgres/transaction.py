"""Writes rows in one transaction: few statements, in an order that gives what one by one gives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import psycopg2

from drakkar_sink_postgres.green import Connection
from drakkar_sink_postgres.shapes import MAX_BYTES, Insert, Named, Row
from drakkar_sink_postgres.verdict import NotNow, Refusal, judged


class Group:
    """Rows of one shape that are written together."""

    __slots__ = ('number', 'rows', 'shape')

    def __init__(self, number: int, shape: Insert | Named) -> None:
        self.number = number
        self.shape = shape
        self.rows: list[Row] = []


def plan(rows: Iterable[Row]) -> list[Group]:
    """Gather rows into groups, in the order in which they are to be written.

    Rows of a table and column set come together, unless an earlier row with the same
    key would be written after a later one; a named statement sees all that was before
    it and nothing of what comes after it.
    """
    groups: list[Group] = []
    current: dict[Insert | Named, Group] = {}
    written: dict[tuple[str, str], int] = {}
    for row in rows:
        shape = row.shape
        group = current.get(shape)
        place = None if row.key is None else (shape.table, row.key)
        if group is None or (place is not None and written.get(place, -1) > group.number):
            if isinstance(shape, Named) or (groups and isinstance(groups[-1].shape, Named)):
                current.clear()
            group = current[shape] = Group(len(groups), shape)
            groups.append(group)
        group.rows.append(row)
        if place is not None:
            written[place] = group.number
    return groups


def write(connection: Connection, rows: Sequence[Row]) -> None:
    """Write all rows and commit, in two round trips (more for a huge batch).

    Raises Refusal or NotNow, with nothing written, or TransientSinkError where COMMIT
    had no answer; after the latter two the connection is in the middle of something.
    """
    cursor = connection.cursor()
    try:
        for message in _messages(rows):
            cursor.execute(message)
    except (psycopg2.Error, TimeoutError) as error:
        verdict = judged(error)
        if isinstance(verdict, Refusal):
            _roll_back(connection)
        raise verdict from error
    try:
        # By itself: when the connection breaks before, nothing was written for sure.
        cursor.execute('COMMIT')
    except (psycopg2.Error, TimeoutError) as error:
        raise judged(error, committing=True) from error
    if cursor.statusmessage != 'COMMIT':
        raise NotNow(f'the transaction ended with {cursor.statusmessage}')


def _messages(rows: Sequence[Row]) -> Iterator[bytes]:
    """Yield texts of several statements, the first of which begins the transaction."""
    parts, size = [b'BEGIN'], 0
    for group in plan(rows):
        for statement in group.shape.assemble(group.rows):
            if size and size + len(statement) > MAX_BYTES:
                yield b';'.join(parts)
                parts, size = [], 0
            parts.append(statement)
            size += len(statement)
    yield b';'.join(parts)


def _roll_back(connection: Connection) -> None:
    """End a failed transaction; a connection that can't even do that is closed."""
    try:
        connection.cursor().execute('ROLLBACK')
    except (psycopg2.Error, TimeoutError):
        connection.close()
