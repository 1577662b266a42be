"""All requests under way in one worker."""

from __future__ import annotations

import itertools
import uuid
from collections import ChainMap
from collections.abc import Callable
from typing import Any

from drakkar.contracts.delivery import Delivery
from drakkar.contracts.executor import Executor
from drakkar.contracts.observer import Observer
from drakkar.greenlets import Nursery
from drakkar.handler import Handler
from drakkar.models.http import HttpOutcome, HttpRequest
from drakkar.models.task import PendingContext
from drakkar.pipeline.decode import Decoder
from drakkar.worker.http.codec import Codec
from drakkar.worker.http.run import HttpRun, Shared
from drakkar.worker.http.watch import SinkWatch


class HttpRuns:
    """Starts requests, and knows those under way.

    `observer` hears of them; `watch` must be among those that hear the delivery.
    """

    def __init__(
        self,
        handler: Handler,
        config: Any,
        executor: Executor,
        delivery: Delivery,
        observer: Observer,
        watch: SinkWatch,
        greenlets: Nursery,
    ) -> None:
        self._numbers = itertools.count(1)
        self._active: dict[int, HttpRun] = {}
        self._greenlets = greenlets
        self._watch = watch
        self.codec = Codec(handler)
        self.observer = observer
        self._shared = Shared(
            handler=handler,
            codec=self.codec,
            decoder=Decoder(handler),
            executor=executor,
            delivery=delivery,
            observer=observer,
            options=config.executor,
            on_parse_error=config.source.on_parse_error,
            sinks_enabled=config.webapp.sinks_enabled,
            pending=self._pending,
            bury=self._bury,
        )

    def __len__(self) -> int:
        return len(self._active)

    def next_number(self) -> int:
        """Return a number that no other request of this worker has."""
        return next(self._numbers)

    def prepare(self, request: HttpRequest) -> HttpRun:
        """Make a request ready to run, with an id until the handler gives it another one."""
        request.request_id = request.label = uuid.uuid4().hex
        return HttpRun(request, self._shared)

    def run(self, run: HttpRun, limit: float) -> HttpOutcome:
        """Run a request; it is among the active ones meanwhile."""
        number = run.request.number
        self._active[number] = run
        if run.tally is not None:
            self._watch.tallies[number] = run.tally
        try:
            return run.run(limit)
        finally:
            del self._active[number]
            self._watch.tallies.pop(number, None)

    def _pending(self) -> PendingContext:
        return PendingContext(ChainMap(*[run.in_flight for run in self._active.values()]))

    def _bury(self, end: Callable[[], None]) -> None:
        self._greenlets.spawn('http-remains', end)
