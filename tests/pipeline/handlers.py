"""Handlers for the tests of the pipeline; their programs are small shell scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import drakkar.api as dk

FAST_RETRIES = {'executor': {'retry_backoff_seconds': 0.001, 'retry_backoff_max_seconds': 0.002}}


class Out(dk.Payload):
    sink_type = 'out'


class Lost(dk.Payload):
    """Of a type that no test configures."""

    sink_type = 'nowhere'


def shell(script: str, offsets: Sequence[int], **fields: Any) -> dk.ExecutorTask:
    return dk.ExecutorTask(
        binary_path='/bin/sh', args=['-c', script], source_offsets=offsets, **fields
    )


class ShellHandler(dk.Handler):
    """Runs the message's `run` script (or each of `runs`); sends its output on."""

    def arrange(
        self, messages: Sequence[dk.SourceMessage], pending: dk.PendingContext
    ) -> list[dk.ExecutorTask]:
        return [
            shell(script, [m.offset])
            for m in messages
            for script in m.payload.get('runs', [m.payload['run']] if 'run' in m.payload else [])
        ]

    def on_task_complete(self, result: dk.ExecutorResult) -> list[dk.Payload] | None:
        return [Out(result.stdout.strip())]
