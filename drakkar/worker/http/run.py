"""One request: a window of its own in the pipeline, ended by its end, its time or its client."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from gevent.event import Event

from drakkar.contracts.delivery import Delivery
from drakkar.contracts.executor import Executor
from drakkar.contracts.observer import Observer
from drakkar.greenlets import Nursery
from drakkar.handler import Handler
from drakkar.models.delivery import CancelScope
from drakkar.models.http import (
    DISCONNECTED,
    ERROR,
    HTTP_ORIGIN,
    OK,
    TIMEOUT,
    HttpOutcome,
    HttpRequest,
    SinkTally,
)
from drakkar.models.message import SourceMessage
from drakkar.models.task import ExecutorTask, PendingContext
from drakkar.pipeline.completion import Completion
from drakkar.pipeline.decode import Decoder
from drakkar.pipeline.parts import Parts
from drakkar.pipeline.state import Window
from drakkar.worker.counted import CountedExecutor
from drakkar.worker.http.codec import Codec
from drakkar.worker.http.ends import CountedDelivery, NoDelivery
from drakkar.worker.http.hooks import HttpHooks
from drakkar.worker.http.journal import Journal

log = structlog.get_logger('drakkar.http')

_BURIED_SECONDS = 60.0  # programs are killed after their grace; this is far beyond it


@dataclass(frozen=True, slots=True)
class Shared:
    """What all requests of a worker work with; `bury` runs what ends a request's remains."""

    handler: Handler
    codec: Codec
    decoder: Decoder
    executor: Executor
    delivery: Delivery
    observer: Observer
    options: Any
    on_parse_error: str
    sinks_enabled: bool
    pending: Callable[[], PendingContext]
    bury: Callable[[Callable[[], None]], None]


class HttpRun:
    """Takes one request through hooks, pool and sinks; `run` is called once.

    It ends whatever happens: a hook that does not return holds no answer up. The request
    needs an id already; the handler may give it another one.
    """

    def __init__(self, request: HttpRequest, shared: Shared) -> None:
        self.request = request
        self.tally = SinkTally() if shared.sinks_enabled else None
        self._shared = shared
        self._hooks = HttpHooks(shared.handler, shared.observer, request, shared.sinks_enabled)
        self._journal = Journal(shared.observer)
        self._executor = CountedExecutor(shared.executor)
        self._scope = CancelScope()
        self._greenlets = Nursery(self._died)
        self._received = False
        self._status = ''
        self._error = ''
        self._result = b'null'
        self._over = Event()
        self._complete = Event()
        self._window: Window | None = None
        self._completion: Completion | None = None

    @property
    def in_flight(self) -> dict[str, ExecutorTask]:
        """The tasks of this request that have not ended."""
        return self._completion.in_flight if self._completion else {}

    def run(self, limit: float) -> HttpOutcome:
        """Return how it ended, within `limit` seconds."""
        started = time.perf_counter()
        self._greenlets.spawn('http-request', self._work)
        try:
            if not self._over.wait(max(0.0, limit)):
                self._end(TIMEOUT, f'not done within {limit:.3g} seconds')
                self._receive()
                self._shared.observer.http_timeout(self.request, time.perf_counter() - started)
        finally:
            self._end(DISCONNECTED, 'the server gave it up')  # only where this greenlet was ended
            self._receive()
            self._journal.run_ends()
            if self._status != OK:
                self._cancel()
        return self._outcome()

    def disconnect(self) -> None:
        """Nobody waits for the answer any more. Never waits."""
        self._end(DISCONNECTED, 'the client closed the connection')

    def _end(self, status: str, error: str = '') -> None:
        if not self._status:
            self._status, self._error = status, error
            self._over.set()

    def _receive(self) -> None:
        """Tell of the request, once it has its id, or will have none of its own."""
        if not self._received:
            self._received = True
            self._shared.observer.http_received(self.request)

    def _died(self, name: str, error: BaseException) -> None:
        """A fault in the pipeline costs this request, not the worker; the nursery logged it."""
        self._end(ERROR, 'internal error; see the log of the worker')

    def _work(self) -> None:
        shared, journal = self._shared, self._journal
        try:
            with journal.stage('arrange'):
                self._hooks.name()
                self._receive()
                message = self.request.as_message()
                tasks = self._arrange(message)
        except Exception:  # logged and counted by hooks
            self._end(ERROR, self._hook_error())
            return
        journal.run_begins()
        self._execute(message, tasks)
        journal.run_ends()
        if self._hooks.raised:
            self._end(ERROR, self._hook_error())
            return
        assert self._window is not None
        group = self._window.states[message.offset].group
        assert group is not None, 'a message that is complete has one'
        try:
            with journal.stage('complete'):
                self._result = self._hooks.request_complete(group, shared.codec.dump)
        except Exception:  # as above
            self._end(ERROR, self._hook_error())
        else:
            self._end(OK)

    def _hook_error(self) -> str:
        return f'{self._hooks.raised or "a hook"} of the handler failed; see the log of the worker'

    def _arrange(self, message: SourceMessage) -> Sequence[ExecutorTask]:
        started = time.perf_counter()
        tasks = self._hooks.arrange_request(message, self._shared.pending())
        self._shared.observer.http_arranged(self.request, tasks, time.perf_counter() - started)
        return tasks

    def _execute(self, message: SourceMessage, tasks: Sequence[ExecutorTask]) -> None:
        """Have the tasks run and the payloads delivered; return when all is done."""
        self._window = Window([message], time.time())
        self._completion = Completion(
            self._parts(), self._scope, self._greenlets, lambda _: self._complete.set()
        )
        self._completion.start(self._window, tasks)
        self._complete.wait()

    def _parts(self) -> Parts:
        shared = self._shared
        delivery = CountedDelivery(shared.delivery, self.tally) if self.tally else NoDelivery()
        return Parts(
            hooks=self._hooks,
            decoder=shared.decoder,
            executor=self._executor,
            delivery=delivery,
            observer=self._journal,
            options=shared.options,
            on_parse_error=shared.on_parse_error,
            origin=HTTP_ORIGIN,
            committable=lambda *_: None,
            finished=lambda _: None,
            failed=self._died,
            client_name=self.request.client_name,
            request_id=self.request.request_id,
        )

    def _cancel(self) -> None:
        """Kill what runs and drop what is not delivered. Never waits."""
        self._scope.cancel()
        left = self._executor.open
        if self._completion is not None:
            self._completion.cancel()
        self._shared.bury(lambda: self._bury(left))

    def _bury(self, left: int) -> None:
        self._greenlets.kill()
        if not self._executor.join(_BURIED_SECONDS):
            log.error('programs_do_not_end', request_id=self.request.request_id)
        if self._status == TIMEOUT and left:
            self._shared.observer.http_dropped(self.request, left)

    def _outcome(self) -> HttpOutcome:
        group = None
        if self._window is not None:
            (state,) = self._window.states.values()
            group = state.group
        counts = self._hooks.counts
        return HttpOutcome(
            self._status,
            self._error,
            self._result,
            group,
            dict(self._journal.ends),
            list(self._journal.timeline),
            counts.hits,
            counts.misses,
            self.tally,
            time.time(),
        )
