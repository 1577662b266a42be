"""The tables of a recorder file. Other tools read them too: names are a contract.

An event that speaks of several messages of one partition (a poll, a window, a
batch) is one row: `offset` is the first one, `last_offset` the last one, and
where they are not contiguous `metadata.offsets` lists them all.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from peewee import AutoField, FloatField, IntegerField, Model, TextField

# Raised when a change of the tables can not be read by older code.
FORMAT = 1
# One row never spans more offsets than this, so that a trace looks at a bounded range.
MAX_SPAN = 10_000


class Event(Model):
    """One event. `ts` is in seconds since the epoch, `duration` in seconds.

    `args`, `labels` and `metadata` are JSON. Secrets are masked before they come here.
    """

    id = AutoField()
    ts = FloatField()
    event = TextField()
    topic = TextField(null=True)
    partition = IntegerField(null=True)
    offset = IntegerField(null=True)
    last_offset = IntegerField(null=True)
    task_id = TextField(null=True)
    args = TextField(null=True)
    stdout = TextField(null=True)
    stderr = TextField(null=True)
    exit_code = IntegerField(null=True)
    duration = FloatField(null=True)
    output_topic = TextField(null=True)
    metadata = TextField(null=True)
    pid = IntegerField(null=True)
    labels = TextField(null=True)
    origin = TextField(null=True)
    client_name = TextField(null=True)
    request_id = TextField(null=True)

    class Meta:
        table_name = 'events'
        indexes = (
            (('partition', 'offset'), False),
            (('event',), False),  # and, as in every index, the id
        )


# Most rows have neither: an index of those that do costs less time and space.
Event.add_index(Event.task_id, where=Event.task_id.is_null(False))
Event.add_index(Event.request_id, where=Event.request_id.is_null(False))


class EventRow(NamedTuple):
    """The values of one row of `events`, in the order of its columns but `id`."""

    ts: float
    event: str
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    last_offset: int | None = None
    task_id: str | None = None
    args: str | None = None
    stdout: str | None = None
    stderr: str | None = None
    exit_code: int | None = None
    duration: float | None = None
    output_topic: str | None = None
    metadata: str | None = None
    pid: int | None = None
    labels: str | None = None
    origin: str | None = None
    client_name: str | None = None
    request_id: str | None = None


class WorkerConfig(Model):
    """Who wrote this file: one row a key, values as JSON.

    Keys: format, worker_id, cluster_name, version, handler, source, group, topic,
    debug_url, debug_port, metrics_port, started_at, pid, host, config (masked).
    """

    key = TextField(primary_key=True)
    value = TextField()

    class Meta:
        table_name = 'worker_config'


class WorkerState(Model):
    """The worker's snapshots over time, one row a flush at most. `state` is JSON."""

    id = AutoField()
    ts = FloatField()
    state = TextField()

    class Meta:
        table_name = 'worker_state'


TABLES: tuple[type[Any], ...] = (Event, WorkerConfig, WorkerState)
