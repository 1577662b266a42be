"""Probes of one value each, as tests read their reports."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import drakkar.api as dk
from drakkar.testing import WorkerHarness
from tests.pipeline.handlers import Out

Run = Callable[..., dict[str, Any]]


@contextmanager
def reporting() -> Iterator[Run]:
    """Probe one value with a handler; the report has been through JSON."""
    with ExitStack() as workers:

        def run(
            handler: type[dk.Handler], value: Any, config: Any = None, **fields: Any
        ) -> dict[str, Any]:
            harness = workers.enter_context(WorkerHarness(handler, sinks=[Out], config=config))
            report = json.loads(json.dumps(harness.probe(value, **fields)))
            assert isinstance(report, dict)
            return report

        yield run
