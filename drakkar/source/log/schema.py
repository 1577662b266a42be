"""The tables of a log file, and how a message's place is one integer.

A message's id is `partition << 48 | offset`: the messages of a partition lie
side by side in offset order in one b-tree, with no second index to keep.
"""

from __future__ import annotations

import sqlite3

import peewee

from drakkar.errors import ConfigError
from drakkar.sqlite import Database, transaction

FORMAT = 1
MAX_PARTITIONS = 1 << 14
_OFFSET_BITS = 48
_OFFSET_MASK = (1 << _OFFSET_BITS) - 1


def message_id(partition: int, offset: int) -> int:
    return partition << _OFFSET_BITS | offset


def offset_of(message_id: int) -> int:
    return message_id & _OFFSET_MASK


class Meta(peewee.Model):
    """What is fixed when the log is created."""

    key = peewee.TextField(primary_key=True)
    value = peewee.TextField()

    class Meta:
        table_name = 'meta'
        without_rowid = True


class Partition(peewee.Model):
    """The offsets a partition holds: from `start_offset` up to before `next_offset`."""

    partition = peewee.IntegerField(primary_key=True)
    start_offset = peewee.IntegerField(default=0)
    next_offset = peewee.IntegerField(default=0)

    class Meta:
        table_name = 'partitions'


class Message(peewee.Model):
    """One message. `timestamp` in seconds since the epoch; `headers` as JSON pairs or NULL."""

    id = peewee.BigIntegerField(primary_key=True)
    timestamp = peewee.DoubleField()
    key = peewee.BlobField(null=True)
    value = peewee.BlobField(null=True)
    headers = peewee.BlobField(null=True)

    class Meta:
        table_name = 'messages'


class Group(peewee.Model):
    """A consumer group. `generation` grows when members should look at their share again."""

    name = peewee.TextField(primary_key=True)
    generation = peewee.IntegerField(default=0)
    created_at = peewee.DoubleField()

    class Meta:
        table_name = 'groups'
        without_rowid = True


class Member(peewee.Model):
    """A live worker of a group: its lease ends at `expires_at` on the machine's own clock."""

    seq = peewee.AutoField()
    member = peewee.TextField(unique=True)
    group_name = peewee.TextField(index=True)
    worker = peewee.TextField()
    boot = peewee.TextField()
    expires_at = peewee.DoubleField()
    lease_seconds = peewee.DoubleField()

    class Meta:
        table_name = 'members'


class GroupPartition(peewee.Model):
    """What a group knows of a partition: its next offset, who owns it, and how often it changed.

    `epoch` grows with every new owner and fences the old one. `expired` counts
    messages that retention removed before the group had read them.
    """

    group_name = peewee.TextField()
    partition = peewee.IntegerField()
    committed = peewee.IntegerField()
    expired = peewee.IntegerField(default=0)
    owner = peewee.TextField(null=True)
    epoch = peewee.IntegerField(default=0)
    revoking = peewee.BooleanField(default=False)

    class Meta:
        table_name = 'group_partitions'
        primary_key = peewee.CompositeKey('group_name', 'partition')
        without_rowid = True


_TABLES = (Meta, Partition, Message, Group, Member, GroupPartition)


def ensure_schema(
    connection: sqlite3.Connection, database: Database, topic: str, partitions: int
) -> int:
    """Create what is missing; return the number of partitions that the log has.

    Raises ConfigError for a file of another format or topic.
    """
    with transaction(connection):
        for table in _TABLES:
            peewee.SchemaManager(table, database=database.orm).create_all()
        meta = dict(Meta.select(Meta.key, Meta.value).tuples().execute(database.orm))
        if not meta:
            meta = {'format': str(FORMAT), 'topic': topic, 'partitions': str(partitions)}
            connection.executemany('INSERT INTO meta (key, value) VALUES (?, ?)', meta.items())
            connection.executemany(
                'INSERT INTO partitions (partition, start_offset, next_offset) VALUES (?, 0, 0)',
                [(number,) for number in range(partitions)],
            )
    if meta.get('format') != str(FORMAT):
        raise ConfigError(
            f'{database.path}: log format {meta.get("format")}, this version reads {FORMAT}'
        )
    if meta['topic'] != topic:
        raise ConfigError(f'{database.path}: holds topic {meta["topic"]!r}, not {topic!r}')
    return int(meta['partitions'])
