"""What rows have in common: one INSERT for a table and its columns, or a named statement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import drakkar.api as dk
from drakkar_sink_postgres.identifiers import quoted, quoted_table
from drakkar_sink_postgres.values import Literals, adapted

# A statement is cut where it gets longer, so that neither side has to hold all of a huge batch.
MAX_BYTES = 8 * 1024 * 1024


class Conflict(NamedTuple):
    """What to do about a row that is there already: `columns` of the key, and the action."""

    columns: tuple[str, ...] = ()
    update: bool = True


class Row(NamedTuple):
    """One payload as SQL. Rows of one table and `key` mean the same row of the database."""

    position: int
    shape: Insert | Named
    sql: bytes
    key: str | None = None


class Insert:
    """A multi-row INSERT: everything but the rows."""

    def __init__(self, table: str, columns: Sequence[str], conflict: Conflict) -> None:
        self.table = table
        self._columns = tuple(columns)
        names = ', '.join(quoted(column) for column in columns)
        self._head = f'INSERT INTO {quoted_table(table)} ({names}) VALUES '.encode()
        self._tail = _on_conflict(columns, conflict).encode()
        whole = bool(conflict.columns) and set(conflict.columns) <= set(columns)
        self._key_columns = conflict.columns if whole else ()
        self._last_wins = conflict.update

    def row(self, literals: Literals, position: int, data: Mapping[str, Any]) -> Row:
        """Return a payload's row. Raises what the driver raises, ValueError or TypeError."""
        sql = literals.row([data[column] for column in self._columns])
        return Row(position, self, sql, self._key(data) if self._key_columns else None)

    def _key(self, data: Mapping[str, Any]) -> str | None:
        values = [data[column] for column in self._key_columns]
        return None if None in values else repr(values)  # NULL is equal to nothing

    def assemble(self, rows: Sequence[Row]) -> Iterator[bytes]:
        """Yield the statements for rows of this shape."""
        if self._key_columns and self._last_wins:
            # PostgreSQL does not update a row twice in one statement.
            latest = {row.position if row.key is None else row.key: row.sql for row in rows}
            lines = list(latest.values())
        else:
            lines = [row.sql for row in rows]
        start = size = 0
        for end, line in enumerate(lines):
            if size and size + len(line) > MAX_BYTES:
                yield self._head + b','.join(lines[start:end]) + self._tail
                start, size = end, 0
            size += len(line)
        yield self._head + b','.join(lines[start:]) + self._tail


class Named:
    """A statement of the configuration; each payload gives it parameters and runs it once."""

    table = ''

    def __init__(self, name: str, sql: str) -> None:
        self.name = name
        self.sql = sql.strip().rstrip(';')

    def row(self, cursor: Any, position: int, data: Mapping[str, Any]) -> Row:
        """Return the statement with a payload's fields in it. Raises what the driver raises."""
        plain = {name: adapted(value) for name, value in data.items()}
        try:
            return Row(position, self, cursor.mogrify(self.sql, plain))
        except KeyError as error:
            text = f'statement {self.name} needs a field {error}'
            raise dk.RefusedError(text) from error

    def assemble(self, rows: Sequence[Row]) -> Iterator[bytes]:
        """Yield one statement a row."""
        return (row.sql for row in rows)


class Shapes:
    """Finds the shape of a payload; those seen once are kept, up to a limit."""

    def __init__(
        self, conflict: Conflict, statements: Mapping[str, str], limit: int = 1000
    ) -> None:
        self.named = {name: Named(name, sql) for name, sql in statements.items()}
        self._conflict = conflict
        self.limit = limit
        self._inserts: dict[tuple[str, tuple[str, ...]], Insert] = {}
        self._canonical: dict[tuple[str, frozenset[str]], Insert] = {}

    def insert(self, table: str, data: Mapping[str, Any]) -> Insert:
        """Return the INSERT for these columns, in whatever order. Raises RefusedError."""
        key = (table, tuple(data))
        found = self._inserts.get(key)
        if found is None:
            found = self._inserts[key] = self._compile(table, key[1])
        return found

    def statement(self, name: str) -> Named:
        """Return the statement of that name. Raises RefusedError where there is none."""
        if name not in self.named:
            raise dk.RefusedError(f'no statement {name!r} is configured')
        return self.named[name]

    def _compile(self, table: str, columns: tuple[str, ...]) -> Insert:
        if not columns:
            raise dk.RefusedError('a row without columns')
        if len(self._inserts) >= self.limit:  # names come from data
            self._inserts.clear()
            self._canonical.clear()
        key = (table, frozenset(columns))
        found = self._canonical.get(key)
        if found is None:
            found = self._canonical[key] = Insert(table, columns, self._conflict)
        return found


def _on_conflict(columns: Sequence[str], conflict: Conflict) -> str:
    if not conflict.columns:
        return ''
    keys = ', '.join(quoted(column) for column in conflict.columns)
    names = [quoted(column) for column in columns if column not in conflict.columns]
    if not conflict.update or not names:
        return f' ON CONFLICT ({keys}) DO NOTHING'
    assignments = ', '.join(f'{name} = EXCLUDED.{name}' for name in names)
    return f' ON CONFLICT ({keys}) DO UPDATE SET {assignments}'
