"""Recorder files for tests, written with the tables themselves."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import peewee

from drakkar import jsonio
from drakkar.recorder.tables import FORMAT, TABLES, EventRow

NOW = 1_700_000_000.0
_INSERT = (
    f'INSERT INTO events ({", ".join(EventRow._fields)})'
    f' VALUES ({", ".join("?" * len(EventRow._fields))})'
)


def row(event: str, ts: float = NOW, **fields: Any) -> EventRow:
    """An event; mappings and lists become JSON."""
    plain = {k: jsonio.dumps(v) if isinstance(v, (dict, list)) else v for k, v in fields.items()}
    return EventRow(ts, event, **plain)


def create(connection: sqlite3.Connection, path: str = ':memory:') -> None:
    database = peewee.SqliteDatabase(path)
    with database.bind_ctx(TABLES):
        for table in TABLES:
            for context in (table._schema._create_table(), *table._schema._create_indexes()):
                connection.execute(*context.query())


def insert(connection: sqlite3.Connection, rows: Iterable[EventRow]) -> None:
    connection.executemany(_INSERT, rows)
    connection.commit()


def identity(worker: str = 'w1', **more: Any) -> dict[str, Any]:
    return {
        'format': FORMAT,
        'worker_id': worker,
        'cluster_name': 'main',
        'debug_url': f'http://{worker}:8080',
        'debug_port': 8080,
        'metrics_port': 9090,
        'started_at': NOW,
        'pid': os.getpid(),
        'host': socket.gethostname(),
        **more,
    }


@contextmanager
def open_file(
    path: Path, rows: Iterable[EventRow], config: dict[str, Any] | None = None
) -> Iterator[sqlite3.Connection]:
    """A file that its worker is writing (WAL), to its close."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute('PRAGMA journal_mode=wal')
        create(connection, str(path))
        said = identity() if config is None else config
        connection.executemany(
            'INSERT INTO worker_config VALUES (?, ?)', [(k, json.dumps(v)) for k, v in said.items()]
        )
        insert(connection, rows)
        yield connection


def write_file(path: Path, rows: Iterable[EventRow], config: dict[str, Any] | None = None) -> Path:
    """A file that is closed."""
    with open_file(path, rows, config):
        return path


@contextmanager
def memory(rows: Iterable[EventRow]) -> Iterator[sqlite3.Connection]:
    """Events in memory, ready to be asked."""
    with closing(sqlite3.connect(':memory:')) as connection:
        connection.row_factory = sqlite3.Row
        create(connection)
        insert(connection, rows)
        yield connection
