"""Drakkar's filesystem sink: payloads as lines of JSON in files below one directory."""

from __future__ import annotations

import drakkar.api as dk
from drakkar_sink_filesystem.options import FileOptions
from drakkar_sink_filesystem.payload import FilePayload

__all__ = ['FileOptions', 'FilePayload']


@dk.hookimpl
def drakkar_register_sinks() -> list[dk.SinkSpec]:
    return [
        dk.SinkSpec(
            'filesystem',
            'drakkar_sink_filesystem.sink:FileSink',
            FilePayload,
            FileOptions,
            label='Filesystem',
        )
    ]
