"""The PostgreSQL sink: a batch as few statements in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import gevent
import psycopg2

import drakkar.api as dk
from drakkar_sink_postgres import connect, green, statements
from drakkar_sink_postgres.identifiers import quoted
from drakkar_sink_postgres.isolate import Failures, isolate
from drakkar_sink_postgres.payload import PostgresPayload
from drakkar_sink_postgres.pool import Pool
from drakkar_sink_postgres.shapes import Conflict, Row, Shapes
from drakkar_sink_postgres.transaction import write
from drakkar_sink_postgres.values import Literals
from drakkar_sink_postgres.verdict import NotNow, Refusal

# Waits before a transaction that certainly left nothing behind is tried again, in seconds.
REPEATS = (0.0, 0.02, 0.1)


class PostgresSink(dk.Sink):
    """Inserts rows, or updates those that are there, and runs named statements.

    Idempotent with `on_conflict` and without statements, or where the options say so.
    """

    def __init__(self, name: str, options: Any) -> None:
        super().__init__(name, options)
        conflict = Conflict(tuple(options.on_conflict), options.on_conflict_action == 'update')
        self.idempotent = options.idempotent or bool(conflict.columns and not options.statements)
        self._shapes = Shapes(conflict, options.statements)
        self._pool = Pool(
            self._connect, options.pool_min, options.pool_max, options.query_timeout_seconds
        )

    def connect(self) -> None:
        """Open the pool and check the statements. Raises ConfigError, NotWrittenError."""
        connect.parse(self.options.dsn)
        for column in self.options.on_conflict:
            try:
                quoted(column)
            except dk.RefusedError as error:
                raise dk.ConfigError(f'on_conflict: {error}') from error
        green.install()
        self._pool.fill()
        with self._pool.connection() as connection:
            statements.check(connection, self._shapes.named.values())

    def deliver(self, payloads: Sequence[dk.Payload]) -> None:
        failures: Failures = {}
        rows = self._rows(cast(Sequence[PostgresPayload], payloads), failures)
        if rows:
            try:
                self._write(rows)
            except Refusal as error:
                failures.update(isolate(rows, error, self._write))
            except dk.TransientSinkError as error:
                if len(rows) == len(payloads):
                    raise
                failures.update((row.position, error) for row in rows)
        if failures:
            raise failures[0] if len(payloads) == 1 else dk.PartialDeliveryError(failures)

    def close(self) -> None:
        self._pool.close()

    @contextmanager
    def connection(self) -> Iterator[green.Connection]:
        """Lend a psycopg2 connection to a hook, in a transaction that is committed at the end.

        It is rolled back where the block raises. Every query may take
        `query_timeout_seconds`. Raises NotWrittenError when there is none.
        """
        with self._pool.connection() as connection, connection:
            yield connection

    def _connect(self) -> green.Connection:
        options = self.options
        return connect.connect(
            connect.parse(options.dsn),
            self.name,
            options.connect_timeout_seconds,
            options.query_timeout_seconds,
        )

    def _rows(self, payloads: Sequence[PostgresPayload], failures: Failures) -> list[Row]:
        """Return the payloads as SQL; enter those that have no such form in `failures`."""
        rows: list[Row] = []
        if not payloads:
            return rows
        with self._pool.connection() as connection:
            cursor = connection.cursor()
            literals = Literals(cursor)
            for index, payload in enumerate(payloads):
                try:
                    rows.append(self._row(cursor, literals, index, payload))
                except psycopg2.InterfaceError as error:
                    raise NotNow(str(error)) from error
                except dk.RefusedError as error:
                    failures[index] = error
                except Exception as error:  # a schema's dump may raise anything
                    failures[index] = dk.RefusedError(f'no SQL form: {error}')
        return rows

    def _row(self, cursor: Any, literals: Literals, index: int, payload: PostgresPayload) -> Row:
        data = payload.plain()
        if not isinstance(data, Mapping):
            raise dk.RefusedError(f'data is a {type(data).__name__}, not a mapping')
        if payload.statement:
            return self._shapes.statement(payload.statement).row(cursor, index, data)
        return self._shapes.insert(payload.table, data).row(literals, index, data)

    def _write(self, rows: Sequence[Row]) -> None:
        """Write rows in one transaction, again where one before left nothing behind."""
        for pause in (*REPEATS, None):
            try:
                with self._pool.connection() as connection:
                    write(connection, rows)
                return
            except NotNow as error:
                if not error.at_once or pause is None:
                    raise
                gevent.sleep(pause)
