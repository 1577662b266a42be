"""The two ends of the probe's pipeline: programs really run, payloads go nowhere."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from drakkar.contracts.delivery import Delivery
from drakkar.contracts.executor import Executor, OnDone, TaskHandle
from drakkar.delivery.routing import Routes
from drakkar.errors import RoutingError
from drakkar.models.delivery import DeadLetter, Provenance, SinkRef
from drakkar.models.payload import Payload
from drakkar.models.snapshot import SinkSnapshot
from drakkar.models.task import ExecutorError, ExecutorTask, TaskOutcome
from drakkar.worker.counted import CountedExecutor
from drakkar.worker.probe.journal import Journal


class ProbeDelivery(Delivery):
    """Finds the sink of each payload as the router would, and leaves it at that.

    Where one has none, the router sends none of the call's payloads.
    """

    def __init__(self, sinks: Iterable[SinkRef], journal: Journal) -> None:
        self._routes = Routes({ref: ref for ref in sinks})
        self._journal = journal

    def submit(
        self, payloads: Sequence[Payload], provenance: Provenance, on_done: Callable[[], None]
    ) -> None:
        routes = [self._route(payload) for payload in payloads]
        refused = next((error for _, error in routes if error is not None), None)
        for payload, (sink, error) in zip(payloads, routes, strict=True):
            problem = f'{type(error).__name__}: {error}' if error else ''
            self._journal.returned(provenance.hook, provenance.task_id, payload, sink, problem)
            if refused is None:
                self._journal.sinks[sink] = self._journal.sinks.get(sink, 0) + 1
        if refused is not None:
            raise refused
        on_done()

    def _route(self, payload: Payload) -> tuple[str, RoutingError | None]:
        """Return the sink of a payload, or why it has none."""
        try:
            (ref,) = self._routes.group([payload])
        except RoutingError as error:
            return '', error
        return str(ref), None

    def dead_letter(
        self, letters: Sequence[DeadLetter], provenance: Provenance, on_done: Callable[[], None]
    ) -> None:
        self._journal.dead_lettered(letters)
        on_done()

    def snapshot(self) -> list[SinkSnapshot]:
        return []


class ProbeExecutor(CountedExecutor):
    """Notes what runs in a pool that all probes share; owned by the Probe."""

    def __init__(self, pool: Executor, journal: Journal) -> None:
        super().__init__(pool)
        self._journal = journal

    def submit(
        self, task: ExecutorTask, priority: Any, on_done: OnDone, attempt: int = 1
    ) -> TaskHandle:
        self._journal.record(task)
        noted = functools.partial(self._note, on_done, self._journal.now)
        return super().submit(task, priority, noted, attempt)

    def _note(self, on_done: OnDone, submitted: float, outcome: TaskOutcome) -> None:
        task_id, failed = outcome.task.task_id, isinstance(outcome, ExecutorError)
        journal = self._journal
        journal.span('queue', task_id, submitted, outcome.queue_seconds, False)
        if outcome.pid is not None or outcome.slot >= 0:
            begin = submitted + outcome.queue_seconds
            journal.span('execute', task_id, begin, outcome.duration_seconds, failed)
        journal.ran(outcome)
        on_done(outcome)
