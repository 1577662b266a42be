"""Drakkar's HTTP sink: payloads as requests to an endpoint."""

from __future__ import annotations

import drakkar.api as dk
from drakkar_sink_http.options import HttpOptions
from drakkar_sink_http.payload import HttpPayload
from drakkar_sink_http.sink import HttpSink

__all__ = ['HttpOptions', 'HttpPayload', 'HttpSink']


@dk.hookimpl
def drakkar_register_sinks() -> list[dk.SinkSpec]:
    return [dk.SinkSpec('http', HttpSink, HttpPayload, HttpOptions, label='HTTP')]
