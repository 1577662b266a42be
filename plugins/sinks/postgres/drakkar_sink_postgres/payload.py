"""The payload of the PostgreSQL sink."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema

import drakkar.api as dk


class PostgresPayload(dk.Payload):
    """One row for `table` (`name` or `schema.name`, exactly as the database spells it).

    `data` maps columns to values. With `statement` it is the parameters of that
    statement of `[sinks.postgres.NAME.statements]`, and `table` does not count.
    """

    sink_type = 'postgres'

    def __init__(
        self,
        table: str,
        data: Any,
        *,
        statement: str = '',
        sink: str = '',
        schema: Schema | None = None,
    ) -> None:
        super().__init__(data, sink=sink, schema=schema)
        self.table = table
        self.statement = statement
