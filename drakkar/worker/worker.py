"""A running worker: starts its parts in order, waits, ends them in order."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gevent
import structlog
from gevent.event import Event
from prometheus_client import CollectorRegistry

from drakkar.cache import WorkerCache
from drakkar.consumer.assignment import Assignment
from drakkar.consumer.backpressure import Backpressure
from drakkar.consumer.loop import PollLoop
from drakkar.contracts.executor import Executor
from drakkar.contracts.observer import Observer
from drakkar.contracts.service import Service
from drakkar.contracts.source import DeadLetterQueue, Source
from drakkar.delivery.router import Router
from drakkar.errors import (
    ConnectError,
    DeadLetterError,
    DrainTimeoutError,
    DrakkarError,
    HandlerError,
)
from drakkar.greenlets import NamedGreenlet, Nursery, kill_all
from drakkar.handler import Handler, ReadyContext
from drakkar.hubmonitor import HubMonitor
from drakkar.models.snapshot import WorkerSnapshot
from drakkar.pipeline.commit import Committer
from drakkar.recorder import Recorder
from drakkar.recorder.live import LiveBoard
from drakkar.worker.http import HttpRuns
from drakkar.worker.periodic import Periodic
from drakkar.worker.probe import Probe
from drakkar.worker.recording import addresses
from drakkar.worker.snapshot import Observatory

log = structlog.get_logger('drakkar.worker')

_AT_ONCE_SECONDS = 2.0  # for killing programs and leaving the group after the second signal
_STEP_SECONDS = 60.0  # for one step of the shutdown, most of which have shorter limits of their own


@dataclass
class Machinery:
    """The parts of one worker, built by drakkar/worker/build.py."""

    config: Any
    handler: Handler
    observer: Observer
    source: Source
    executor: Executor
    router: Router
    dead_letters: DeadLetterQueue
    committer: Committer
    assignment: Assignment
    pressure: Backpressure
    loop: PollLoop
    periodic: Periodic
    probe: Probe
    monitor: HubMonitor
    observatory: Observatory
    cache: WorkerCache | None
    http: HttpRuns | None
    recorder: Recorder | None
    live: LiveBoard | None
    services: list[Service]
    registry: CollectorRegistry


class Worker:
    """Owns the machinery and every greenlet that is not a partition's own."""

    def __init__(self) -> None:
        self.greenlets = Nursery(self.fail)
        self._stop = Event()
        self._failure: tuple[str, BaseException] | None = None
        self.state = 'starting'
        self.started_at = time.time()
        self._parts: Machinery | None = None

    @property
    def parts(self) -> Machinery:
        """The machinery. Raises RuntimeError before `adopt`."""
        if self._parts is None:
            raise RuntimeError('the worker has no parts yet')
        return self._parts

    def adopt(self, parts: Machinery) -> None:
        """Take over what was built for this worker."""
        self._parts = parts

    def serve(self, service: Service) -> None:
        """Let `service` live with this worker; before `run`."""
        self.parts.services.append(service)

    # From outside

    def stop(self) -> None:
        """Ask for an orderly end; `run` returns when it is done. Never waits."""
        self._stop.set()

    def fail(self, name: str, error: BaseException) -> None:
        """A greenlet died that must not: the whole worker ends, rather than live on half."""
        if self._failure is None:
            self._failure = (name, error)
        self._stop.set()

    def handle_signals(self) -> None:
        """End on SIGTERM and SIGINT; at once on the second one."""
        for number in (signal.SIGTERM, signal.SIGINT):
            gevent.signal_handler(number, self._on_signal, number)

    def _on_signal(self, number: int) -> None:
        if not self._stop.is_set():
            log.info('stopping', signal=signal.Signals(number).name)
            self.stop()
            return
        log.warning('stopping_at_once', signal=signal.Signals(number).name)
        try:
            with gevent.Timeout(_AT_ONCE_SECONDS, False):
                self.parts.executor.close()
                self.parts.source.close()
        finally:
            os._exit(DrakkarError.exit_code)  # no drain, no cleanup: offsets tell what is left

    def snapshot(self) -> WorkerSnapshot:
        return self.parts.observatory.snapshot()

    def reasons_not_ready(self) -> list[str]:
        """Return why this worker is not ready, empty when it is."""
        reasons = [] if self.state == 'running' else [f'worker is {self.state}']
        snapshot = self.snapshot()
        if snapshot.source_problem:
            reasons.append(snapshot.source_problem)
        if snapshot.stalled:
            reasons.append(
                f'{snapshot.stalled} messages can be neither delivered nor dead-lettered'
            )
        return reasons

    # Life

    def run(self) -> None:
        """Start, work until stopped, end in order.

        Raises ConfigError, ConnectError or HandlerError where it can not start,
        DrainTimeoutError where work was left, DrakkarError where a greenlet died.
        """
        try:
            self._start_or_stop()
            self._stop.wait()
        finally:
            left = self._shut_down()
        if self._failure is not None:
            name, error = self._failure
            raise DrakkarError(f'{name} died: {type(error).__name__}: {error}') from error
        if left:
            raise DrainTimeoutError(
                f'drain timed out after {self.parts.config.executor.drain_timeout_seconds} s; '
                f'not committed, to be processed again: {left}'
            )

    def _start_or_stop(self) -> None:
        """Start, unless told to stop meanwhile: a server that does not answer may take minutes."""
        failures: list[BaseException] = []

        def start() -> None:
            try:
                self._start()
            except Exception as error:
                failures.append(error)

        starting = NamedGreenlet('worker-start', start)
        starting.start()
        try:
            gevent.wait([starting, self._stop], count=1)
        finally:
            kill_all([starting])
        if failures:
            raise failures[0]

    def _start(self) -> None:
        parts = self.parts
        for service in parts.services:
            service.bind()  # a busy port must show before anything is connected
        if parts.recorder is not None:
            parts.recorder.identify(**addresses(parts.config, parts.services))
            parts.recorder.start()
        parts.executor.start()
        try:
            parts.dead_letters.connect()
        except DeadLetterError as error:
            raise ConnectError(f'[dlq] {error}') from error
        parts.router.connect()
        if parts.cache is not None:
            parts.cache.start()
        self._tell_ready()
        parts.monitor.start()
        for service in parts.services:
            service.start()
        parts.source.start(parts.assignment.events)
        self.greenlets.spawn('committer', parts.committer.run)
        self.greenlets.spawn('poll-loop', parts.loop.run)
        parts.periodic.start()
        self.state = 'running'
        log.info('running', **{f'{service.name}_port': service.port for service in parts.services})

    def _tell_ready(self) -> None:
        parts = self.parts
        context = ReadyContext(parts.router.sinks, parts.config, parts.config.worker_id)
        try:
            parts.handler.on_ready(context)
        except DrakkarError:
            raise  # the handler's own message for the user
        except (Exception, SystemExit, gevent.Timeout) as error:
            raise HandlerError(
                f'on_ready of {type(parts.handler).__name__} raised {type(error).__name__}: {error}'
            ) from error

    def _shut_down(self) -> str:
        """End every part, each step for the next one's sake; return what was left, in words."""
        parts = self.parts
        running = self.state == 'running'
        self.state = 'stopping'
        left = ''
        for service in parts.services:
            self._end(service.name, service.drain)
        self._end('probe', parts.probe.close)  # it is for somebody who waits; the worker does not
        if running:
            self._end('poll-loop', parts.loop.stop)  # no new messages; heartbeats go on meanwhile
            left = self._drain()
        self._settle()
        self._end('greenlets', self.greenlets.kill)  # poll loop, committer, periodic methods
        self._end('source', parts.source.close)  # leaves the group, so that peers take over at once
        self._end('executor', parts.executor.close)
        self._end('sinks', parts.router.close)
        self._end('dead-letters', parts.dead_letters.close)
        self._end('monitor', parts.monitor.stop)
        for service in parts.services:  # to the last, so that one can watch the end
            self._end(service.name, service.stop)
        if parts.cache is not None:
            self._end('cache', parts.cache.stop)
        if parts.recorder is not None:
            self._end('recorder', parts.recorder.stop)  # the very last: it heard all the others
        self.state = 'stopped'
        return left

    def _drain(self) -> str:
        try:
            unclean = self.parts.assignment.drain_all(
                self.parts.config.executor.drain_timeout_seconds
            )
        except Exception:
            log.exception('drain_failed')
            return 'unknown'
        return ', '.join(str(p) for p in unclean)

    def _settle(self) -> None:
        """Let services end what they took on, within their own limits: others wait for it."""
        for service in self.parts.services:
            try:
                service.settle()
            except Exception:
                log.exception('settle_failed', part=service.name)

    def _end(self, part: str, end: Callable[[], object]) -> None:
        """End one part within its time; the others must be ended whatever happens in it."""
        try:
            with gevent.Timeout(_STEP_SECONDS):
                end()
        except (Exception, gevent.Timeout):
            log.exception('end_failed', part=part)
