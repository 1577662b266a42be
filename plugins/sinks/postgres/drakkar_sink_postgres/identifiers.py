"""Names of tables and columns: checked, and quoted so that they mean exactly themselves."""

from __future__ import annotations

import drakkar.api as dk

# PostgreSQL cuts longer names off and goes on, perhaps with another table.
MAX_BYTES = 63


def quoted(name: object) -> str:
    """Return one name as SQL. Raises RefusedError for what can not be a name."""
    if not isinstance(name, str) or not name or not name.isprintable():
        raise dk.RefusedError(f'{name!r} is not the name of a table or column')
    if len(name.encode()) > MAX_BYTES:
        raise dk.RefusedError(f'{name!r} is longer than the {MAX_BYTES} bytes of a name')
    return '"' + name.replace('"', '""') + '"'


def quoted_table(table: object) -> str:
    """Return `name` or `schema.name` as SQL. Raises RefusedError."""
    parts = table.split('.') if isinstance(table, str) else []
    if not 1 <= len(parts) <= 2:
        raise dk.RefusedError(f'{table!r} is neither a table nor schema.table')
    return '.'.join(quoted(part) for part in parts)
