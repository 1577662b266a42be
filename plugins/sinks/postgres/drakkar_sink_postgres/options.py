"""The options of `[sinks.postgres.NAME]`."""

from __future__ import annotations

from typing import Any

from marshmallow import validates_schema

import drakkar.api as dk


class PostgresOptions(dk.OptionSchema):
    """Inserts payloads as rows, all rows of a batch in one transaction."""

    dsn = dk.option.Dsn(
        required=True,
        schemes=('postgresql', 'postgres'),
        description='Where the database is, as libpq takes it. Several hosts are tried in turn.',
    )
    pool_min = dk.option.Int(
        default=1, min=0, unit='connections', description='Connections opened at start and kept.'
    )
    pool_max = dk.option.Int(
        default=4,
        min=1,
        unit='connections',
        description='Most connections at once. Deliveries use one; the others are for hooks.',
    )
    connect_timeout_seconds = dk.option.Float(
        default=5,
        min=0.001,
        unit='seconds',
        description='Longest time to connect to one address of the server.',
    )
    query_timeout_seconds = dk.option.Float(
        default=20,
        min=0.001,
        unit='seconds',
        description='Longest time for one answer of the server; the connection is given up then. '
        'Keep it below `sinks.delivery_timeout_seconds`.',
    )
    on_conflict = dk.option.List(
        default=[],
        description='Columns of a unique key; a row that is there already is not an error then.',
    )
    on_conflict_action = dk.option.Choice(
        ('update', 'nothing'),
        default='update',
        description='What happens to such a row: `update` its other columns, or `nothing`.',
    )
    idempotent = dk.option.Bool(
        default=False,
        description='Promise that delivering twice leaves what once leaves, by a trigger or by '
        'what the statements do. With `on_conflict` and no statements it is true anyway.',
    )
    linger_ms = dk.option.Int(
        default=5,
        min=0,
        unit='milliseconds',
        description='How long a delivery waits for more payloads to join it.',
    )
    statements = dk.option.Mapping(
        description='SQL by name, with `%(field)s` for the fields of the payload that names it, '
        'and `%%` for a percent sign.'
    )

    @validates_schema
    def _check_pool(self, values: dict[str, Any], **kwargs: Any) -> None:
        dk.option.at_most(values, 'pool_min', 'pool_max')
