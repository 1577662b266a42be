"""The Message Probe of a worker: admits a bounded number of probes, owns their programs."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import structlog

from drakkar.contracts.observer import Observer
from drakkar.errors import ConfigError, DrakkarError
from drakkar.executor.pool import ProcessPool
from drakkar.greenlets import Nursery
from drakkar.handler import Handler
from drakkar.models.delivery import SinkRef
from drakkar.worker.probe import report
from drakkar.worker.probe.request import ProbeRequest
from drakkar.worker.probe.session import Session

log = structlog.get_logger('drakkar.probe')

MAX_PROBES = 2
MAX_PROGRAMS = 2  # at once, of all probes; the worker's own slots are left alone


class ProbeBusyError(DrakkarError):
    """As many probes run as may at once; try again when one is over."""

    retriable = True


class ProbeUnavailableError(DrakkarError):
    """There is no probing now: the worker ends, or the program can not be run."""


class Probe:
    """Runs messages through `handler` and reports what happened; nothing else comes of it.

    No sink gets anything, nothing is committed, recorded, counted or annotated;
    what a hook writes by itself it writes, unless it asks `probing()`. Programs
    run in a pool of the probe's own, made at first use.
    """

    def __init__(
        self, handler: Handler, config: Any, sinks: Iterable[SinkRef], origin: str
    ) -> None:
        self._handler = handler
        self._config = config
        self._sinks = list(sinks)
        self._origin = origin
        self._nursery = Nursery(self._died)
        self._pool: ProcessPool | None = None
        self._running: dict[str, Session] = {}
        self._closed = False

    def run(self, request: ProbeRequest) -> dict[str, Any]:
        """Probe a message; return the report, ready for JSON.

        Waits until all is done, at most the request's limit and a few seconds in
        which what ran is killed. Raises ProbeBusyError or ProbeUnavailableError.
        """
        if self._closed:
            raise ProbeUnavailableError('the worker is stopping')
        if len(self._running) >= MAX_PROBES:
            raise ProbeBusyError(f'{MAX_PROBES} probes are running already')
        if request.probe_id in self._running:
            raise ProbeBusyError(f'probe {request.probe_id} is running already')
        session = Session(
            request.probe_id,
            self._handler,
            self._config,
            self._sinks,
            self._origin,
            self._open_pool(),
        )
        self._running[request.probe_id] = session
        try:
            session.run(request.message, request.timeout_seconds)
        finally:
            del self._running[request.probe_id]
        return report.build(request, session)

    def cancel(self, probe_id: str) -> bool:
        """End a probe, whose report then says so; return whether there was one. Never waits."""
        session = self._running.get(probe_id)
        if session is None:
            return False
        session.cancel()
        return True

    @property
    def running(self) -> list[str]:
        """The ids of the probes under way."""
        return list(self._running)

    def close(self) -> None:
        """Take no more, end those that run, kill their programs. Idempotent."""
        self._closed = True
        for session in list(self._running.values()):
            session.cancel()
        self._close_pool()
        self._nursery.kill()

    def _open_pool(self) -> ProcessPool:
        if self._pool is None:
            options = copy.copy(self._config.executor)
            options.max_executors = MAX_PROGRAMS
            pool = ProcessPool(options, Observer(), self._nursery)
            try:
                pool.start()
            except ConfigError as error:
                raise ProbeUnavailableError(str(error)) from error
            self._pool = pool
        return self._pool

    def _close_pool(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def _died(self, name: str, error: BaseException) -> None:
        """A slot is gone: what runs ends at its limit, and the next probe gets new slots."""
        log.error('probe_pool_broken', greenlet=name, error=str(error))
        for session in list(self._running.values()):
            session.cancel()
        self._pool = None
