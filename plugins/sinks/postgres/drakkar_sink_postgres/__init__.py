"""Drakkar's PostgreSQL sink: payloads as rows, or as parameters of named statements."""

from __future__ import annotations

import drakkar.api as dk
from drakkar_sink_postgres.options import PostgresOptions
from drakkar_sink_postgres.payload import PostgresPayload
from drakkar_sink_postgres.sink import PostgresSink

__all__ = ['PostgresOptions', 'PostgresPayload', 'PostgresSink']


@dk.hookimpl
def drakkar_register_sinks() -> list[dk.SinkSpec]:
    return [
        dk.SinkSpec('postgres', PostgresSink, PostgresPayload, PostgresOptions, label='PostgreSQL')
    ]
