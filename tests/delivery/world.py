"""A small world around delivery: a sink that does as it is told, a queue that can break."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import gevent

from drakkar.contracts.observer import Observer
from drakkar.contracts.sink import Sink
from drakkar.contracts.source import DeadLetterQueue
from drakkar.delivery.router import Router
from drakkar.delivery.settings import DeliverySettings
from drakkar.errors import DeadLetterError
from drakkar.greenlets import Nursery
from drakkar.models.actions import DLQ, Action
from drakkar.models.delivery import CancelScope, DeadLetter, DeliveryFailure, Provenance, SinkRef
from drakkar.models.message import SourceMessage
from drakkar.models.payload import Payload

# Fast, and still long enough that a test sees the difference between waiting and not.
SETTINGS = {
    'retry_backoff_seconds': 0.01,
    'retry_backoff_max_seconds': 0.02,
    'connect_backoff_seconds': 0.01,
    'dlq_backoff_seconds': 0.01,
    'dlq_backoff_max_seconds': 0.02,
    'delivery_timeout_seconds': 5.0,
}


class FakePayload(Payload):
    sink_type = 'fake'


class FakeSink(Sink):
    """Stores what it is given; `behave(payloads)` may raise or wait first."""

    def __init__(self, name: str = 'main', **options: Any) -> None:
        super().__init__(name, SimpleNamespace(**options))
        self.stored: list[Any] = []
        self.calls: list[list[Any]] = []
        self.at_once = 0
        self.behave: Callable[[Sequence[Payload]], None] = lambda payloads: None
        self.connected = 0
        self.closed = 0

    def connect(self) -> None:
        self.connected += 1

    def deliver(self, payloads: Sequence[Payload]) -> None:
        self.at_once += 1
        assert self.at_once == 1, 'two deliveries at once'
        try:
            self.calls.append([p.data for p in payloads])
            self.behave(payloads)
            self.stored += [p.data for p in payloads]
        finally:
            self.at_once -= 1

    def close(self) -> None:
        self.closed += 1


class IdempotentSink(FakeSink):
    idempotent = True


class MemoryQueue(DeadLetterQueue):
    """Keeps letters in a list; `broken` makes every send fail, `hated` those with a value."""

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []
        self.sends: list[int] = []
        self.broken = False
        self.hated = b'hated'

    def send(self, letters: Sequence[DeadLetter]) -> None:
        self.sends.append(len(letters))
        if self.broken or any(letter.message.value == self.hated for letter in letters):
            raise DeadLetterError('the queue is away')
        self.letters += letters


class Ears(Observer):
    """Notes every event as (name, arguments)."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, tuple[Any, ...]]] = []
        for name in vars(Observer):
            if not name.startswith('_'):
                setattr(self, name, self._note(name))

    def _note(self, name: str) -> Callable[..., None]:
        return lambda *args: self.heard.append((name, args))

    def all(self, name: str) -> list[tuple[Any, ...]]:
        return [args for event, args in self.heard if event == name]


class World:
    """One router with its surroundings; `answer` is what the handler says to failures."""

    def __init__(self) -> None:
        self.died: list[tuple[str, BaseException]] = []
        self.nursery = Nursery(lambda name, error: self.died.append((name, error)))
        self.queue = MemoryQueue()
        self.ears = Ears()
        self.failures: list[DeliveryFailure] = []
        self.answer: Callable[[DeliveryFailure], Action] = lambda failure: DLQ
        self.scope = CancelScope()
        self.done: list[Any] = []
        self._offset = 0
        self.router: Router | None = None

    def start(self, *sinks: Sink, **settings: Any) -> Router:
        def ask(failure: DeliveryFailure) -> Action:
            self.failures.append(failure)
            return self.answer(failure)

        self.router = Router(
            {SinkRef('fake', sink.name): sink for sink in sinks},
            self.queue,
            ask,
            self.ears,
            DeliverySettings(**{**SETTINGS, **settings}),
            self.nursery,
            'worker-1',
            {'fake': 'Fake'},
        )
        self.router.connect()
        return self.router

    def message(self) -> SourceMessage:
        self._offset += 1
        return SourceMessage('topic', 0, self._offset, f'value {self._offset}'.encode())

    def submit(self, *data: Any, sink: str = '', name: Any = None, messages: int = 1) -> None:
        """Submit payloads of one message; `done` gets `name`, or the first data."""
        assert self.router is not None
        label = data[0] if name is None else name
        self.router.submit(
            [FakePayload(item, sink=sink) for item in data],
            Provenance([self.message() for _ in range(messages)], self.scope, 'hook', 'task-1'),
            lambda: self.done.append(label),
        )

    def wait(self, condition: Callable[[], Any], seconds: float = 5.0) -> None:
        with gevent.Timeout(seconds, AssertionError('the condition did not come true')):
            while not condition():
                gevent.sleep(0.002)

    def settle(self) -> None:
        """Wait until the router has nothing left to do."""
        assert self.router is not None
        assert self.router.join(5.0)

    def close(self) -> None:
        if self.router is not None:
            self.router.close()
        self.nursery.kill()
        assert self.died == []
