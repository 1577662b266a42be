"""The `[log]` section."""

from __future__ import annotations

from drakkar.config import option
from drakkar.config.option import OptionSchema
from drakkar.source.log.schema import MAX_PARTITIONS


class LogOptions(OptionSchema):
    """The embedded log: a durable partitioned log in one SQLite file, for one machine."""

    path = option.Path(
        required=True, description='Directory of the log; made if it does not exist.'
    )
    topic = option.Str(
        default='messages', description='Name of the topic; its file is `<path>/<topic>.db`.'
    )
    group = option.Str(
        default='drakkar',
        description='Consumer group: its workers share the partitions and the committed offsets.',
    )
    partitions = option.Int(
        default=8,
        min=1,
        max=MAX_PARTITIONS,
        description='Partitions of a new log. An existing log keeps the number that it was made '
        'with, since keys would change their partition; a different one here is logged.',
    )
    auto_offset_reset = option.Choice(
        ('earliest', 'latest'),
        default='earliest',
        description='Where a new group begins: with all that the log holds, or with what comes '
        'after the group first joined.',
    )
    lease_seconds = option.Float(
        default=10,
        min=0.2,
        unit='seconds',
        description='A worker that did not renew its lease for so long loses its partitions to '
        'the others of its group.',
    )
    poll_interval_ms = option.Int(
        default=50,
        min=1,
        unit='milliseconds',
        description='How often an idle worker looks for new messages.',
    )
    fsync = option.Bool(
        default=True,
        description='Whether an append or commit survives power loss. Without it, it survives '
        'the death of the process only.',
    )
    retention_hours = option.Float(
        default=168,
        min=0,
        unit='hours',
        description='Messages older than this are removed, read or not; 0 keeps them for ever.',
    )
    retention_max_messages = option.Int(
        default=0,
        min=0,
        unit='messages',
        description='Most messages a partition keeps, read or not; 0 for no limit.',
    )
