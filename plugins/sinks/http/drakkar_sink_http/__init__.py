"""Drakkar's HTTP sink: payloads as requests to an endpoint."""

from __future__ import annotations

import drakkar.api as dk
from drakkar_sink_http.options import HttpOptions
from drakkar_sink_http.payload import HttpPayload

__all__ = ['HttpOptions', 'HttpPayload']


@dk.hookimpl
def drakkar_register_sinks() -> list[dk.SinkSpec]:
    return [
        dk.SinkSpec(
            'http', 'drakkar_sink_http.sink:HttpSink', HttpPayload, HttpOptions, label='HTTP'
        )
    ]
