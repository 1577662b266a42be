from __future__ import annotations

import math
from collections.abc import Sequence

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drakkar.delivery import attempt as module
from drakkar.delivery.attempt import Attempt, Verdict, decide, judge
from drakkar.errors import (
    NotWrittenError,
    PartialDeliveryError,
    RefusedError,
    TransientSinkError,
)
from drakkar.models.actions import DLQ, RETRY, SKIP
from drakkar.models.delivery import DeliveryFailure, SinkRef
from drakkar.models.payload import Payload


class Numbered(Payload):
    sink_type = 'fake'


def payloads(count: int) -> list[Payload]:
    return [Numbered(i) for i in range(count)]


def sink_of(*, idempotent: bool, behave):
    """A sink in miniature: what `Attempt` needs of one."""

    class Small:
        transient_errors = (ConnectionError,)

        def __init__(self) -> None:
            self.idempotent = idempotent
            self.calls: list[list[int]] = []
            self.stored: list[int] = []

        def deliver(self, batch: Sequence[Payload]) -> None:
            self.calls.append([p.data for p in batch])
            behave(self, batch)
            self.stored += [p.data for p in batch]

    return Small()


def run(sink, count: int, timeout: float = 5.0, retried=lambda number: None):
    return Attempt(sink, timeout, retried).run(payloads(count), 1)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, 'QUICK_RETRIES', (0.001, 0.001, 0.001))


def test_it_is_judged_by_class() -> None:
    sink = sink_of(idempotent=True, behave=None)
    assert judge(TransientSinkError(), sink) is Verdict.TRANSIENT
    assert judge(NotWrittenError(), sink) is Verdict.TRANSIENT
    assert judge(ConnectionResetError(), sink) is Verdict.TRANSIENT
    assert judge(RefusedError(), sink) is Verdict.REFUSED
    assert judge(ValueError('connection timeout'), sink) is Verdict.FAILED


def test_an_idempotent_sink_is_tried_again_three_times() -> None:
    def behave(sink, batch):
        if len(sink.calls) < 4:
            raise ConnectionError

    sink = sink_of(idempotent=True, behave=behave)
    seen: list[int] = []
    assert run(sink, 2, retried=seen.append) == {}
    assert sink.calls == [[0, 1]] * 4
    assert seen == [1, 1, 1]


def test_then_it_is_a_failure_of_all() -> None:
    error = ConnectionError()

    def behave(sink, batch):
        raise error

    sink = sink_of(idempotent=True, behave=behave)
    assert run(sink, 2) == {0: error, 1: error}
    assert len(sink.calls) == 4


@pytest.mark.parametrize(('idempotent', 'error'), [(False, ConnectionError), (True, ValueError)])
def test_other_failures_are_not_repeated(idempotent: bool, error: type[Exception]) -> None:
    def behave(sink, batch):
        raise error

    sink = sink_of(idempotent=idempotent, behave=behave)
    assert set(run(sink, 3)) == {0, 1, 2}
    assert len(sink.calls) == 1


def test_what_was_not_written_is_tried_again_in_any_sink() -> None:
    def behave(sink, batch):
        if len(sink.calls) < 3:
            raise NotWrittenError('refused')

    sink = sink_of(idempotent=False, behave=behave)
    seen: list[int] = []
    assert run(sink, 2, retried=seen.append) == {}
    assert sink.stored == [0, 1]
    assert seen == [1, 1]


def test_not_for_ever() -> None:
    error = NotWrittenError('refused')

    def behave(sink, batch):
        raise error

    sink = sink_of(idempotent=False, behave=behave)
    assert run(sink, 2) == {0: error, 1: error}
    assert len(sink.calls) == 4


def test_of_a_partial_delivery_only_what_was_not_written_is_tried_again_in_any_sink() -> None:
    unknown = TransientSinkError('no answer')

    def behave(sink, batch):
        if len(sink.calls) == 1:
            raise PartialDeliveryError({0: NotWrittenError(), 2: unknown, 3: NotWrittenError()})

    sink = sink_of(idempotent=False, behave=behave)
    assert run(sink, 4) == {2: unknown}
    assert sink.calls == [[0, 1, 2, 3], [0, 3]]


def test_nothing_that_may_be_written_is_said_not_to_be() -> None:
    unknown = TransientSinkError('no answer')

    def behave(sink, batch):
        causes = [NotWrittenError(), unknown, NotWrittenError()]
        raise PartialDeliveryError(dict(enumerate(causes)))

    assert set(run(sink_of(idempotent=True, behave=behave), 3).values()) == {unknown}


@given(st.integers(1, 64).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1)))))
def test_a_refused_batch_is_bisected_to_the_guilty(case: tuple[int, set[int]]) -> None:
    count, guilty = case

    def behave(sink, batch):
        if any(p.data in guilty for p in batch):
            raise RefusedError('no')

    sink = sink_of(idempotent=False, behave=behave)
    assert set(run(sink, count)) == guilty
    assert sorted(sink.stored) == sorted(set(range(count)) - guilty)
    most = 1 + 2 * len(guilty) * math.ceil(math.log2(count)) if count > 1 else 1
    assert len(sink.calls) <= most


def test_of_a_partial_delivery_only_the_failed_count() -> None:
    refused, broken = RefusedError(), ValueError()

    def behave(sink, batch):
        raise PartialDeliveryError({1: refused, 3: broken})

    sink = sink_of(idempotent=False, behave=behave)
    assert run(sink, 5) == {1: refused, 3: broken}
    assert len(sink.calls) == 1


def test_transient_parts_of_an_idempotent_sink_are_tried_again_alone() -> None:
    refused = RefusedError()

    def behave(sink, batch):
        if len(sink.calls) == 1:
            raise PartialDeliveryError({1: refused, 2: ConnectionError(), 3: ConnectionError()})

    sink = sink_of(idempotent=True, behave=behave)
    assert run(sink, 5) == {1: refused}
    assert sink.calls == [[0, 1, 2, 3, 4], [2, 3]]


def test_a_sink_that_counts_wrong_loses_nothing() -> None:
    def behave(sink, batch):
        raise PartialDeliveryError({7: RefusedError()})

    assert set(run(sink_of(idempotent=True, behave=behave), 2)) == {0, 1}


def test_a_sink_that_goes_away_while_bisecting_fails_the_rest_at_once() -> None:
    def behave(sink, batch):
        if len(sink.calls) > 1:
            raise ConnectionError
        raise RefusedError

    sink = sink_of(idempotent=False, behave=behave)
    failures = run(sink, 8)
    assert set(failures) == set(range(8))
    assert len(sink.calls) == 2


def test_a_delivery_that_takes_too_long_is_transient() -> None:
    def behave(sink, batch):
        gevent.sleep(60)

    sink = sink_of(idempotent=False, behave=behave)
    assert isinstance(run(sink, 1, timeout=0.01)[0], TransientSinkError)


def test_a_timeout_of_the_sink_itself_is_transient_too_and_ends_only_this_delivery() -> None:
    def behave(sink, batch):
        with gevent.Timeout(0.01):
            gevent.sleep(60)

    sink = sink_of(idempotent=False, behave=behave)
    assert isinstance(run(sink, 1)[0], TransientSinkError)


def test_never_two_deliveries_at_once() -> None:
    inside = 0

    def behave(sink, batch):
        nonlocal inside
        inside += 1
        assert inside == 1
        gevent.sleep(0.002)
        inside -= 1

    sink = sink_of(idempotent=False, behave=behave)
    attempt = Attempt(sink, 5, lambda number: None)
    tries = [gevent.spawn(attempt.run, payloads(1), 1) for _ in range(4)]
    gevent.joinall(tries)
    assert [t.value for t in tries] == [{}] * 4


def failure(attempt: int) -> DeliveryFailure:
    return DeliveryFailure(SinkRef('fake', 'main'), [], ValueError(), attempt)


def test_retries_are_bounded() -> None:
    assert decide(failure(2), lambda f: RETRY, max_retries=2) is RETRY
    assert decide(failure(3), lambda f: RETRY, max_retries=2) is DLQ
    assert decide(failure(9), lambda f: SKIP, max_retries=2) is SKIP
