"""A whole worker in memory: for the tests of handlers, in five lines.

Everything is real (pipeline, process pool, delivery) but the two ends: messages
come from a list, payloads and dead letters go to lists.
"""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import gevent
import structlog

from drakkar import jsonio, log
from drakkar.config.loader import load
from drakkar.config.option import OptionSchema
from drakkar.contracts.observer import Observer
from drakkar.contracts.sink import Sink, SinkSpec
from drakkar.contracts.source import DeadLetterQueue, SourceSpec
from drakkar.greenlets import NamedGreenlet
from drakkar.handler import Handler
from drakkar.models.delivery import DeadLetter
from drakkar.models.http import HttpHeaders, HttpRequest
from drakkar.models.message import SourceMessage, TopicPartition
from drakkar.models.payload import Payload
from drakkar.models.task import ExecutorError, ExecutorResult, ExecutorTask
from drakkar.plugins import PluginManager
from drakkar.source.memory import MemorySource
from drakkar.worker.build import build_worker, make_handler
from drakkar.worker.http.report import encode
from drakkar.worker.probe import ProbeRequest

_STEP_SECONDS = 0.005


class CapturedOptions(OptionSchema):
    """A captured sink has no options of its own."""


class CapturedSink(Sink):
    """Keeps what it is given; a test may make it fail with `failures`."""

    idempotent = True

    def __init__(self, name: str, options: Any) -> None:
        super().__init__(name, options)
        self.payloads: list[Payload] = []
        self.failures: list[BaseException] = []

    def deliver(self, payloads: Sequence[Payload]) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.payloads += payloads


class MemoryDeadLetters(DeadLetterQueue):
    """Keeps letters; a test may make it fail with `failures`."""

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []
        self.failures: list[BaseException] = []

    def send(self, letters: Sequence[DeadLetter]) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.letters += letters


class Record(Observer):
    """What happened, in order."""

    def __init__(self) -> None:
        self.done: list[SourceMessage] = []
        self.tasks: list[ExecutorTask] = []
        self.results: list[ExecutorResult] = []
        self.errors: list[tuple[ExecutorError, str]] = []
        self.hook_errors: list[tuple[str, BaseException]] = []
        self.stalls: dict[TopicPartition, int] = {}
        self.pauses: list[bool] = []

    def message_done(self, message: SourceMessage) -> None:
        self.done.append(message)

    def arranged(self, partition: Any, messages: Any, tasks: Any, duration: float) -> None:
        self.tasks += tasks

    def task_completed(self, result: ExecutorResult) -> None:
        self.results.append(result)

    def task_failed(self, error: ExecutorError, action: str) -> None:
        self.errors.append((error, action))

    def hook_failed(self, hook: str, error: BaseException) -> None:
        self.hook_errors.append((hook, error))

    def stalled(self, partition: TopicPartition, messages: int) -> None:
        self.stalls[partition] = messages

    def backpressure(self, active: bool, total_queued: int) -> None:
        self.pauses.append(active)


class WorkerHarness:
    """A worker under test; a context manager that starts and stops it.

    `config` holds sections as nested mappings, as in the INI file. `sinks` names
    what payloads may go to: payload classes, or `type.name` of an installed sink
    type; every installed type by default. Raises what the worker raised, at exit.
    """

    def __init__(
        self,
        handler: type[Handler],
        *,
        config: Mapping[str, Any] | None = None,
        sinks: Iterable[type[Payload] | str] = (),
        partitions: int = 1,
        observers: Sequence[Observer] = (),
    ) -> None:
        if not structlog.is_configured():
            log.reset()  # plain lines: structlog's own tracebacks show every local variable
        self.source = MemorySource(partitions)
        self.dead_letter_queue = MemoryDeadLetters()
        self.record = Record()
        specs, instances = _captured(sinks)
        values = {
            'metrics': {'enabled': False},
            'debug': {'enabled': False},
            **(config or {}),
            'drakkar': {'handler': handler.__name__, 'source': 'memory', 'worker_name': 'test'},
            'sinks': {**(config or {}).get('sinks', {}), **instances},
        }
        memory = SourceSpec('memory', lambda _config, _worker_id: self.source, CapturedOptions)
        loaded = load(
            None,
            sinks=specs,
            sources={'memory': memory},
            handler_options=lambda _name: handler.options_schema,
            environ=os.environ,
            values=values,
        )
        self.handler, self.config = make_handler(handler, loaded)
        self.worker = build_worker(
            self.config,
            self.handler,
            {'memory': memory},
            [self.record, *observers],
            dead_letters=self.dead_letter_queue,
        )
        self.running = NamedGreenlet('worker-under-test', self.worker.run)

    def __enter__(self) -> WorkerHarness:
        self.running.start()
        self.wait_for(lambda: self.worker.state == 'running')
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop as on SIGTERM and wait. Raises what `Worker.run` raises."""
        self.worker.stop()
        self.running.get()

    def send(self, values: Iterable[Any], partition: int = 0) -> list[SourceMessage]:
        """Produce messages: bytes and None as they are, anything else as JSON."""
        return [
            self.source.append(
                v if v is None or isinstance(v, bytes) else jsonio.dumps_bytes(v), partition
            )
            for v in values
        ]

    def probe(self, value: Any, **fields: Any) -> dict[str, Any]:
        """Run a message through the Message Probe, which leaves no trace; return its report.

        `value` is as for `send`; `fields` are the others of `POST /api/probe`.
        """
        encoding = 'text'
        if isinstance(value, bytes):
            value, encoding = base64.b64encode(value).decode(), 'base64'
        elif value is not None:
            value = jsonio.dumps(value)
        request = ProbeRequest.parse({'value': value, 'encoding': encoding, **fields})
        return self.worker.parts.probe.run(request)

    def request(self, value: Any, *, client: str = 'test', **headers: str) -> dict[str, Any]:
        """Have an HTTP request worked on, as the endpoint does; return the WebReport.

        `value` is its body as JSON or bytes; names of headers are written with `_` for
        `-`. Needs `[webapp] enabled` in the configuration. Raises ValueError for a body
        that does not fit.
        """
        runs = self.worker.parts.http
        if runs is None:
            raise RuntimeError("give config={'webapp': {'enabled': True}}")
        body = value if isinstance(value, bytes) else jsonio.dumps_bytes(value)
        named = HttpHeaders((name.replace('_', '-'), text) for name, text in headers.items())
        request = HttpRequest(
            runs.next_number(),
            client,
            body,
            runs.codec.load(body),
            named,
            '127.0.0.1',
            time.time(),
        )
        run = runs.prepare(request)
        outcome = runs.run(run, self.config.webapp.request_timeout_seconds)
        report: dict[str, Any] = jsonio.loads(encode(request, outcome, ()))
        return report

    def wait_for(self, condition: Callable[[], Any], timeout: float = 20.0) -> None:
        """Wait until `condition()` holds. Raises TimeoutError, or what ended the worker."""
        deadline = time.monotonic() + timeout
        while not condition():
            if self.running.ready():
                self.running.get()
                raise TimeoutError(f'the worker has ended; {self._state()}')
            if time.monotonic() > deadline:
                raise TimeoutError(f'not within {timeout} s; {self._state()}')
            gevent.sleep(_STEP_SECONDS)

    def _state(self) -> str:
        return f'{len(self.record.done)} messages done, {self.worker.snapshot()}'

    @property
    def sinks(self) -> dict[str, CapturedSink]:
        """The captured sinks by `type.name`."""
        return {
            str(ref): _as_captured(sink) for ref, sink in self.worker.parts.router.sinks.items()
        }

    @property
    def payloads(self) -> list[Payload]:
        """All payloads delivered, sink by sink."""
        return [p for sink in self.sinks.values() for p in sink.payloads]

    @property
    def dead_letters(self) -> list[DeadLetter]:
        return self.dead_letter_queue.letters

    @property
    def committed(self) -> dict[int, int]:
        """Partition to next offset, as stored by the last commit."""
        return {p.partition: offset for p, offset in self.source.committed.items()}


def run_handler(
    handler: type[Handler],
    messages: Sequence[Any],
    *,
    config: Mapping[str, Any] | None = None,
    sinks: Iterable[type[Payload] | str] = (),
    timeout: float = 20.0,
) -> WorkerHarness:
    """Send `messages` through a worker with this handler, wait until all are done, stop it.

    Arguments are as for `WorkerHarness`, which is returned: look at its
    `payloads`, `dead_letters`, `record` and `committed`. Raises TimeoutError
    when the messages are not done within `timeout` seconds.
    """
    harness = WorkerHarness(handler, config=config, sinks=sinks)
    with harness:
        harness.send(messages)
        harness.wait_for(lambda: len(harness.record.done) >= len(messages), timeout)
    return harness


def _captured(
    wanted: Iterable[type[Payload] | str],
) -> tuple[dict[str, SinkSpec], dict[str, dict[str, Any]]]:
    """Return captured sink types, and the instances of them as configuration values."""
    installed = PluginManager.load().sinks
    specs: dict[str, SinkSpec] = {}
    instances: dict[str, dict[str, Any]] = {}
    for want in list(wanted) or [spec.payload_class for spec in installed.values()]:
        if isinstance(want, str):
            type_name, _, name = want.partition('.')
            payload_class = installed[type_name].payload_class
        else:
            type_name, name, payload_class = want.sink_type, '', want
        specs[type_name] = SinkSpec(type_name, CapturedSink, payload_class, CapturedOptions)
        instances.setdefault(type_name, {})[name or 'captured'] = {}
    return specs, instances


def _as_captured(sink: Sink) -> CapturedSink:
    assert isinstance(sink, CapturedSink)
    return sink
