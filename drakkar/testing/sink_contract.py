"""The tests that every sink should pass; a plugin subclasses `SinkContract` in its own tests."""

from __future__ import annotations

import contextlib
import gc
import os
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import gevent
import pytest

from drakkar import jsonio
from drakkar.config.option import OptionSchema
from drakkar.contracts.sink import Sink, SinkSpec
from drakkar.delivery.attempt import Attempt, Verdict, judge
from drakkar.models.payload import Payload

NESTED: dict[str, Any] = {
    'text': 'Ægir \u2028 "quoted"\n\t\U0001f409',
    'list': [1, 2.5, None, True, {'deep': []}],
}


class SinkContract:
    """Subclass it as `class TestMySink(SinkContract)`; pytest does the rest.

    Say `spec`, and write `make_sink`, `make_payload` and `read_back`. A subclass
    may use fixtures of its own (autouse ones run before each test).
    """

    spec: ClassVar[SinkSpec]
    # Payloads of one batch are read back in their order.
    ordered: ClassVar[bool] = True
    # One payload that can not be written does not take the others of its batch with it.
    isolates_bad_data: ClassVar[bool] = True
    # It can tell that nothing was written where its other end is away.
    knows_what_was_not_written: ClassVar[bool] = True
    big_batch: ClassVar[int] = 2000
    # Longest time a delivery of `big_batch` payloads may take, in seconds.
    timeout_seconds: ClassVar[float] = 20.0

    def make_sink(self) -> Sink:
        """Return a new sink, not connected, that writes where `read_back` reads."""
        raise NotImplementedError

    def make_payload(self, number: int, value: Any = None) -> Payload:
        """Return a payload that carries `number` and `value` (anything JSON can hold)."""
        raise NotImplementedError

    def read_back(self) -> list[tuple[int, Any]]:
        """Return (number, value) of all that is in the sink now."""
        raise NotImplementedError

    def make_bad_payload(self, number: int) -> Payload:
        """Return a payload that can not be written, whatever the sink's state."""
        return self.make_payload(number, object())

    def make_unreachable_sink(self) -> Sink | None:
        """Return a sink whose other end is away, or None where there is no such thing."""
        return None

    @pytest.fixture
    def sink(self) -> Iterator[Sink]:
        sink = self.make_sink()
        sink.connect()
        yield sink
        sink.close()

    def deliver(self, sink: Sink, payloads: list[Payload]) -> dict[int, BaseException]:
        """Deliver as the framework does; return the failures by position."""
        return Attempt(sink, self.timeout_seconds, lambda _: None).run(payloads, 1)

    def numbers(self) -> list[int]:
        found = [number for number, _ in self.read_back()]
        return found if self.ordered else sorted(found)

    # What the plugin declares

    def test_the_spec_fits_together(self) -> None:
        spec = self.spec
        assert spec.name == spec.payload_class.sink_type
        assert spec.name.isidentifier()
        assert spec.name == spec.name.lower()
        sink_class = spec.load_class()
        assert issubclass(sink_class, Sink)
        assert issubclass(spec.payload_class, Payload)
        assert isinstance(self.make_sink(), sink_class)
        assert isinstance(self.make_payload(1), spec.payload_class)

    def test_every_option_is_described(self) -> None:
        assert issubclass(self.spec.options, OptionSchema)
        fields = self.spec.options().fields
        assert [name for name, f in fields.items() if not getattr(f, 'description', '')] == []

    def test_transient_errors_are_exceptions(self) -> None:
        errors = self.spec.load_class().transient_errors
        assert all(issubclass(error, BaseException) for error in errors)

    def test_a_payload_can_be_dead_lettered(self) -> None:
        described = self.make_payload(7, NESTED).describe()
        assert described['sink_type'] == self.spec.name
        jsonio.dumps_bytes(described)

    # Delivering

    def test_payloads_arrive_once_and_in_order(self, sink: Sink) -> None:
        assert self.deliver(sink, [self.make_payload(i) for i in (3, 1, 2)]) == {}
        assert self.numbers() == ([3, 1, 2] if self.ordered else [1, 2, 3])

    def test_batches_add_up(self, sink: Sink) -> None:
        for number in range(5):
            assert self.deliver(sink, [self.make_payload(number)]) == {}
        assert self.numbers() == [0, 1, 2, 3, 4]

    def test_an_empty_batch_is_harmless(self, sink: Sink) -> None:
        sink.deliver([])
        assert self.read_back() == []

    def test_a_big_batch_arrives(self, sink: Sink) -> None:
        batch = [self.make_payload(i) for i in range(self.big_batch)]
        assert self.deliver(sink, batch) == {}
        assert self.numbers() == list(range(self.big_batch))

    def test_unicode_and_nested_data_stay_as_they_are(self, sink: Sink) -> None:
        assert self.deliver(sink, [self.make_payload(1, NESTED)]) == {}
        assert self.read_back() == [(1, NESTED)]

    def test_data_that_can_not_be_written_is_an_error(self, sink: Sink) -> None:
        assert list(self.deliver(sink, [self.make_bad_payload(1)])) == [0]

    def test_bad_data_fails_alone(self, sink: Sink) -> None:
        if not self.isolates_bad_data:
            pytest.skip('this sink fails whole batches')
        batch = [self.make_payload(0), self.make_bad_payload(1), self.make_payload(2)]
        failures = self.deliver(sink, batch)
        assert list(failures) == [1]
        assert judge(failures[1], sink) is Verdict.REFUSED
        assert self.numbers() == [0, 2]

    def test_the_same_batch_again_changes_nothing_if_idempotent(self, sink: Sink) -> None:
        if not sink.idempotent:
            pytest.skip('not idempotent')
        for _ in range(2):
            assert self.deliver(sink, [self.make_payload(1), self.make_payload(2)]) == {}
        assert self.numbers() == [1, 2]

    def test_it_works_after_a_delivery_was_killed(self, sink: Sink) -> None:
        lost = gevent.spawn(sink.deliver, [self.make_payload(i) for i in range(self.big_batch)])
        gevent.sleep(0)
        lost.kill()
        after = list(range(self.big_batch, self.big_batch + 5))
        assert self.deliver(sink, [self.make_payload(i) for i in after]) == {}
        assert [n for n in self.numbers() if n >= self.big_batch] == after

    # Life cycle

    def test_a_second_sink_adds_to_what_is_there(self) -> None:
        for number in range(2):
            sink = self.make_sink()
            sink.connect()
            assert self.deliver(sink, [self.make_payload(number)]) == {}
            sink.close()
        assert self.numbers() == [0, 1]

    def test_close_may_be_called_twice(self) -> None:
        sink = self.make_sink()
        sink.connect()
        sink.close()
        sink.close()

    def test_an_unreachable_sink_says_so(self) -> None:
        sink = self.make_unreachable_sink()
        if sink is None:
            pytest.skip('nothing to reach')
        try:
            sink.connect()
            error = self.deliver(sink, [self.make_payload(1)]).get(0)
        except Exception as raised:  # a sink may say so as soon as it connects
            error = raised
        finally:
            sink.close()
        assert error is not None
        assert judge(error, sink) is Verdict.TRANSIENT

    def test_what_was_not_written_is_tried_again(self) -> None:
        sink = self.make_unreachable_sink()
        if sink is None or not self.knows_what_was_not_written:
            pytest.skip('nothing to reach, or no way to know')
        tries: list[int] = []
        try:
            with contextlib.suppress(Exception):
                sink.connect()
            Attempt(sink, self.timeout_seconds, tries.append).run([self.make_payload(1)], 1)
        finally:
            sink.close()
        assert tries, 'it must raise NotWrittenError, or be idempotent'

    def test_nothing_is_left_open(self) -> None:
        self._cycle()  # what a driver opens once per process does not count
        before = _open_things()
        for _ in range(3):
            self._cycle()
        _wait_until(lambda: _open_things() <= before)

    def _cycle(self) -> None:
        sink = self.make_sink()
        sink.connect()
        self.deliver(sink, [self.make_payload(1)])
        sink.close()


class _Open(tuple[int, int, int]):
    """Counts of descriptors, native threads and greenlets; `<=` means none of them grew."""

    def __le__(self, other: tuple[int, ...]) -> bool:
        return all(mine <= theirs for mine, theirs in zip(self, other, strict=True))


def _open_things() -> _Open:
    gc.collect()
    # By type(): isinstance() would ask what a weak proxy stands for, which may be gone.
    found = [o for o in gc.get_objects() if issubclass(type(o), gevent.Greenlet)]
    greenlets = [greenlet for greenlet in found if not greenlet.dead]
    descriptors = len(os.listdir('/proc/self/fd'))
    return _Open((descriptors, len(os.listdir('/proc/self/task')), len(greenlets)))


def _wait_until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f'still open: {_open_things()}'
        gevent.sleep(0.01)
