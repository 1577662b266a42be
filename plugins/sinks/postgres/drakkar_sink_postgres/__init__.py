"""Drakkar's PostgreSQL sink: payloads as rows, or as parameters of named statements."""

from __future__ import annotations

import drakkar.api as dk
from drakkar_sink_postgres.options import PostgresOptions
from drakkar_sink_postgres.payload import PostgresPayload

__all__ = ['PostgresOptions', 'PostgresPayload']


@dk.hookimpl
def drakkar_register_sinks() -> list[dk.SinkSpec]:
    return [
        dk.SinkSpec(
            'postgres',
            'drakkar_sink_postgres.sink:PostgresSink',
            PostgresPayload,
            PostgresOptions,
            label='PostgreSQL',
        )
    ]
