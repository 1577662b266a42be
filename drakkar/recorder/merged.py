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
# Peewee only writes the statements here: it never has a connection.
_dialect = SqliteDatabase(None)


def create_tables(connection: sqlite3.Connection) -> None:
    """Create the tables; those of events get their indexes later, when they are full."""
    with _dialect.bind_ctx(_TABLES):
        for table in _TABLES:
            connection.execute(*table._schema._create_table(safe=False).query())
        for context in _STATE._schema._create_indexes(safe=False):
            connection.execute(*context.query())


def create_stage(connection: sqlite3.Connection) -> None:
    """Create the unordered table in the database `stage`, which takes each row once."""
    connection.execute('CREATE TABLE stage.events AS SELECT * FROM main.events')
    connection.execute(f'CREATE UNIQUE INDEX stage.once ON events ({KEY})')


def index_tables(connection: sqlite3.Connection) -> None:
    """Create the indexes of the events."""
    with _dialect.bind_ctx(_TABLES):
        for context in _EVENTS._schema._create_indexes(safe=False):
            connection.execute(*context.query())
