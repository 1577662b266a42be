"""Checks named statements against the database when the sink connects."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg2

import drakkar.api as dk
from drakkar_sink_postgres.green import Connection
from drakkar_sink_postgres.shapes import Named
from drakkar_sink_postgres.verdict import Refusal, explained, judged

# PREPARE wants types where a value will bring its own: no mistake of the statement.
OPEN_TYPES = frozenset({'42P18', '42P08', '42725', '42883', '42804'})

# A second statement that would have written something.
READ_ONLY = '25006'


class _Numbered(dict[str, str]):
    """Gives each field the number of a parameter, as `%(field)s` is replaced."""

    def __missing__(self, field: str) -> str:
        self[field] = f'${len(self) + 1}'
        return self[field]

    def __repr__(self) -> str:  # what `%s` asks for
        raise TypeError('a parameter has no name')


def check(connection: Connection, statements: Iterable[Named]) -> None:
    """Let the server parse each statement. Raises ConfigError with a line for each mistake.

    PREPARE takes only one statement, and none that begins or ends a transaction. The
    transaction is read-only and rolled back, so nothing happens.
    """
    problems = [text for text in (_problem(connection, each) for each in statements) if text]
    if problems:
        raise dk.ConfigError(problems)


def _problem(connection: Connection, statement: Named) -> str | None:
    """Return what is wrong with a statement. Raises TransientSinkError."""
    try:
        sql = statement.sql % _Numbered()
    except (TypeError, ValueError) as error:
        return f'statements.{statement.name}: {error}; write %(field)s, and %% for a percent sign'
    cursor = connection.cursor()
    cursor.execute('BEGIN READ ONLY')
    try:
        cursor.execute(f'PREPARE drakkar_check AS {sql}')
        cursor.execute('DEALLOCATE drakkar_check')
    except psycopg2.Error as error:
        verdict = judged(error)
        if not isinstance(verdict, Refusal) and error.pgcode != READ_ONLY:
            raise verdict from error
        if error.pgcode not in OPEN_TYPES:
            return f'statements.{statement.name}: {explained(error)}'
    finally:
        if not connection.closed:
            cursor.execute('ROLLBACK')
    return None
