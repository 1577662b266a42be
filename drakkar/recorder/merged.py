"""The tables of a merged file: those of a recorder file, with the worker on each row."""

from __future__ import annotations

import sqlite3
from typing import Any

from peewee import CompositeKey, IntegerField, SqliteDatabase, TextField

from drakkar.recorder.tables import Event, WorkerConfig, WorkerState

# What makes a row the same row in two files.
KEY = 'ts, worker, source_id'


class MergedEvent(Event):
    """One event of `worker`; `source_id` is its id in the worker's own file."""

    worker = TextField()
    source_id = IntegerField()

    class Meta:
        table_name = 'events'
        indexes = (
            (('partition', 'offset'), False),
            (('task_id',), False),
            (('event', 'id'), False),
            (('request_id',), False),
        )


class MergedConfig(WorkerConfig):
    """What each worker said of itself; of no worker: what the file itself is."""

    key = TextField()
    worker = TextField()

    class Meta:
        table_name = 'worker_config'
        primary_key = CompositeKey('worker', 'key')


class MergedState(WorkerState):
    """The snapshots of `worker`."""

    worker = TextField()

    class Meta:
        table_name = 'worker_state'
        indexes = ((('worker', 'ts'), True),)


_EVENTS: type[Any] = MergedEvent
_STATE: type[Any] = MergedState
_TABLES: tuple[type[Any], ...] = (_EVENTS, MergedConfig, _STATE)
_dialect = SqliteDatabase(None)


def _statements() -> tuple[list[Any], list[Any]]:
    """Return what makes the tables, and what makes the indexes of the events.

    Peewee only writes the statements here: it never has a connection.
    """
    with _dialect.bind_ctx(_TABLES):
        tables = [table._schema._create_table(safe=False).query() for table in _TABLES]
        tables += [each.query() for each in _STATE._schema._create_indexes(safe=False)]
        return tables, [each.query() for each in _EVENTS._schema._create_indexes(safe=False)]


# Written once: binding concerns the classes, which merges in several threads share.
_MAKE_TABLES, _MAKE_INDEXES = _statements()


def create_tables(connection: sqlite3.Connection) -> None:
    """Create the tables; those of events get their indexes later, when they are full."""
    for statement in _MAKE_TABLES:
        connection.execute(*statement)


def create_stage(connection: sqlite3.Connection) -> None:
    """Create the unordered table in the database `stage`, which takes each row once."""
    connection.execute('CREATE TABLE stage.events AS SELECT * FROM main.events')
    connection.execute(f'CREATE UNIQUE INDEX stage.once ON events ({KEY})')


def index_tables(connection: sqlite3.Connection) -> None:
    """Create the indexes of the events."""
    for statement in _MAKE_INDEXES:
        connection.execute(*statement)
