"""What an error of the driver or the server means: unreachable for now, or refused."""

from __future__ import annotations

import psycopg2
from psycopg2 import errors

import drakkar.api as dk

# Classes and codes of https://www.postgresql.org/docs/current/errcodes-appendix.html that time
# may mend: the connection, resources, a shutdown, the system, a rollback by the server.
TRANSIENT_CLASSES = frozenset({'08', '28', '53', '57', '58'})
TRANSIENT_CODES = frozenset(
    {
        '25006',  # read_only_sql_transaction: a standby, or the primary of yesterday
        '25P03',  # idle_in_transaction_session_timeout
        '40001',  # serialization_failure
        '40003',  # statement_completion_unknown
        '40P01',  # deadlock_detected
        '55006',  # object_in_use
        '55P03',  # lock_not_available
    }
)
# The server undid the transaction because of another one; it may pass at once.
COLLISIONS = frozenset({'40001', '40P01'})

# These are about the statement, whatever the values: every row of it would hear the same.
OF_SHAPE = frozenset(
    {
        '0A000',  # feature_not_supported
        '3F000',  # invalid_schema_name
        '42501',  # insufficient_privilege
        '42601',  # syntax_error
        '42701',  # duplicate_column
        '42703',  # undefined_column
        '42809',  # wrong_object_type
        '42P01',  # undefined_table
        '42P10',  # invalid_column_reference: no unique key on these columns
        '428C9',  # generated_always
    }
)


class Refusal(dk.RefusedError):
    """The server's no. `of_shape`: the values do not matter, only table and columns."""

    def __init__(self, text: str, of_shape: bool) -> None:
        super().__init__(text)
        self.of_shape = of_shape


class NotNow(dk.NotWrittenError):
    """No connection, no answer, or one that says "not now"; nothing was committed.

    `at_once`: trying again at once makes sense.
    """

    def __init__(self, text: str, at_once: bool = False) -> None:
        super().__init__(text)
        self.at_once = at_once


def judged(error: BaseException, committing: bool = False) -> dk.SinkError:
    """Return what an error in a transaction means.

    With `committing` COMMIT was on its way: nobody knows whether it was done, unless
    the server says that it undid the transaction.
    """
    if isinstance(error, TimeoutError):
        return dk.TransientSinkError(str(error)) if committing else NotNow(str(error))
    assert isinstance(error, psycopg2.Error)
    code = error.pgcode
    if code is None:
        if isinstance(error, (psycopg2.ProgrammingError, psycopg2.DataError)):
            return Refusal(_one_line(error), of_shape=False)
        text = _one_line(error)
        return dk.TransientSinkError(text) if committing else NotNow(text, at_once=True)
    if code in TRANSIENT_CODES or code[:2] in TRANSIENT_CLASSES:
        if committing and code not in COLLISIONS:
            return dk.TransientSinkError(explained(error))
        # A server that shuts down answers too; the next connection may find another.
        gone = code[:2] in ('08', '57') and code != '57014'
        return NotNow(explained(error), at_once=gone or code in COLLISIONS)
    # With a context it is the word of a trigger or function, which looks at values.
    return Refusal(explained(error), code in OF_SHAPE and not error.diag.context)


def explained(error: psycopg2.Error) -> str:
    """Return the server's reason on one line, with the table, column and constraint it names."""
    diag = error.diag
    text = diag.message_primary or _one_line(error)
    if diag.message_detail:
        text += f': {diag.message_detail}'
    places = {
        'table': '.'.join(part for part in (diag.schema_name, diag.table_name) if part),
        'column': diag.column_name,
        'type': diag.datatype_name,
        'constraint': diag.constraint_name,
        'code': _code_name(error.pgcode),
        'where': diag.context,
    }
    told = [f'{what} {place}' for what, place in places.items() if place]
    return ' '.join(f'{text} ({", ".join(told)})'.split())


def _code_name(code: str | None) -> str:
    if not code:
        return ''
    try:
        return f'{code} {errors.lookup(code).__name__}'
    except KeyError:
        return code


def _one_line(error: BaseException) -> str:
    return ' '.join(str(error).split()) or type(error).__name__
