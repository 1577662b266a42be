"""The options of `[sinks.mongo.NAME]`."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, validates

import drakkar.api as dk
from drakkar_sink_mongo.update import parse_updates


class MongoOptions(dk.OptionSchema):
    """Writes payloads to MongoDB, one bulk write for each collection in a batch."""

    uri = dk.option.Url(
        required=True,
        schemes=('mongodb', 'mongodb+srv'),
        description='The servers: `mongodb://user:password@host:27017/?replicaSet=rs0`.',
    )
    database = dk.option.Str(
        default='', description='Database of all collections; empty means the one in `uri`.'
    )
    write_concern = dk.option.Str(
        default='',
        description='How many members must have a write: `majority` or a number from 1; empty '
        'means what `uri` says, else the default of the server (mostly `majority`).',
    )
    connect_timeout_seconds = dk.option.Float(
        default=5,
        min=0.001,
        unit='seconds',
        description='Longest wait for a connection, and for a server that takes writes.',
    )
    socket_timeout_seconds = dk.option.Float(
        default=20,
        min=0.001,
        unit='seconds',
        description='Longest silence of the server during a delivery, which then has failed.',
    )
    operations = dk.option.Mapping(
        description='Updates by name, as JSON: `{"filter": ..., "update": ...}`; texts such as '
        '`":host"` stand for the field of that name of the payload.'
    )

    @validates('operations')
    def _check_operations(self, value: dict[str, str], **kwargs: Any) -> None:
        _, problems = parse_updates(value)
        if problems:
            raise ValidationError({name: [text] for name, text in problems.items()})
