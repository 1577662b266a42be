from __future__ import annotations

from types import SimpleNamespace

import pytest

from drakkar.errors import ConnectError, PartialDeliveryError, RefusedError, SinkError
from drakkar.models.actions import RETRY
from drakkar.models.payload import Payload
from drakkar.testing.delivery import Delivery, deliver, wait_until
from drakkar.testing.harness import CapturedSink


class Numbered(Payload):
    sink_type = 'fake'


def sink_that(*failures: BaseException) -> CapturedSink:
    sink = CapturedSink('main', SimpleNamespace())
    sink.failures += failures
    return sink


def test_what_is_submitted_ends_in_the_sink_or_among_the_dead() -> None:
    sink = sink_that(RefusedError('no'))
    with Delivery('fake', sink) as run:
        run.submit(1, Numbered('a'))
        run.settle()
        run.submit(2, Numbered('b'))
        run.settle()
    assert [payload.data for payload in sink.payloads] == ['b']
    assert list(run.dead) == [1]
    assert run.dead_data == ['a']
    assert run.done == [1, 2]
    assert [failure.refused for failure in run.failures] == [True]


def test_the_answer_is_that_of_the_test() -> None:
    sink = sink_that(SinkError('who knows'))
    with Delivery('fake', sink) as run:
        run.answer = RETRY
        run.submit(1, Numbered('a'))
        run.settle()
    assert len(sink.payloads) == 1
    assert run.dead == {}


def test_a_sink_that_can_not_connect_is_told_as_in_a_worker() -> None:
    class Away(CapturedSink):
        def connect(self) -> None:
            raise OSError('away')

    with (
        pytest.raises(ConnectError, match=r'\[sinks.fake.main\]'),
        Delivery('fake', Away('main', SimpleNamespace()), connect_attempts=1),
    ):
        raise AssertionError('it did connect')


def test_one_delivery_and_what_failed_of_it() -> None:
    refused = RefusedError('no')
    sink = sink_that(PartialDeliveryError({1: refused}), refused)
    batch = [Numbered(number) for number in range(2)]
    assert deliver(sink, *batch) == {1: refused}
    assert deliver(sink, *batch) == {0: refused, 1: refused}
    assert deliver(sink, *batch) == {}


def test_a_condition_that_never_holds() -> None:
    with pytest.raises(AssertionError, match='did not come true'):
        wait_until(lambda: False, 0.02)
