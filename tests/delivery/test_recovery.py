from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from gevent.event import Event

from drakkar.delivery import attempt as attempt_module
from drakkar.errors import PartialDeliveryError, RefusedError, TransientSinkError
from drakkar.models.actions import DLQ, RETRY, SKIP
from drakkar.models.payload import Payload
from tests.delivery.world import FakeSink, IdempotentSink, World


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt_module, 'QUICK_RETRIES', (0.001, 0.001, 0.001))


def failing(times: int, error: Exception) -> Callable[[Sequence[Payload]], None]:
    left = [times]

    def behave(payloads: Sequence[Payload]) -> None:
        if left[0]:
            left[0] -= 1
            raise error

    return behave


def refusing(*data: Any) -> Callable[[Sequence[Payload]], None]:
    def behave(payloads: Sequence[Payload]) -> None:
        if any(p.data in data for p in payloads):
            raise RefusedError('no such table')

    return behave


def dead(world: World) -> list[Any]:
    return [payload.data for letter in world.queue.letters for payload in letter.payloads]


def test_by_default_a_failure_goes_to_the_dead_letter_queue(world: World, sink: FakeSink) -> None:
    world.start(sink)
    sink.behave = failing(1, ValueError('what'))
    world.submit(1, 2)
    world.settle()
    (letter,) = world.queue.letters
    assert letter.error == 'ValueError: what'
    assert 'ValueError: what' in letter.traceback
    assert (letter.stage, letter.attempts, letter.worker) == ('deliver', 1, 'worker-1')
    assert (letter.task_id, str(letter.sink)) == ('task-1', 'fake.main')
    assert letter.message.value == b'value 1'
    assert dead(world) == [1, 2]
    assert world.done == [1]


def test_retry_backs_off_and_delivers(world: World, sink: FakeSink) -> None:
    world.start(sink)
    world.answer = lambda failure: RETRY
    sink.behave = failing(2, ValueError())
    world.submit(1)
    world.settle()
    assert sink.calls == [[1]] * 3
    assert [f.attempt for f in world.failures] == [1, 2]
    assert [number for _, number in world.ears.all('sink_retried')] == [2, 3]
    assert world.done == [1]
    assert world.queue.letters == []


def test_exhausted_retries_go_to_the_dead_letter_queue(world: World, sink: FakeSink) -> None:
    world.start(sink, max_retries=2)
    world.answer = lambda failure: RETRY
    sink.behave = failing(99, ValueError())
    world.submit(1)
    world.settle()
    assert len(sink.calls) == 3
    assert [action for _, action, _ in world.ears.all('sink_error')] == [RETRY, RETRY, DLQ]
    assert world.queue.letters[0].attempts == 3
    assert world.done == [1]


def test_skip_gives_up_on_purpose(world: World, sink: FakeSink) -> None:
    world.start(sink)
    world.answer = lambda failure: SKIP
    sink.behave = failing(1, ValueError())
    world.submit(1)
    world.settle()
    assert world.done == [1]
    assert world.queue.letters == []
    assert len(world.ears.all('sink_skipped')) == 1


def test_each_message_is_asked_about_alone(world: World, sink: FakeSink) -> None:
    world.start(sink)
    gate = Event()
    sink.behave = lambda payloads: gate.wait()
    world.submit(0)
    world.wait(lambda: sink.calls)
    sink.behave = failing(1, ValueError())
    world.submit('retry')
    world.submit('skip')
    world.submit('dlq')
    answers = {'retry': RETRY, 'skip': SKIP, 'dlq': DLQ}
    world.answer = lambda failure: answers[failure.payloads[0].data]
    gate.set()
    world.settle()
    assert sink.calls == [[0], ['retry', 'skip', 'dlq'], ['retry']]
    assert dead(world) == ['dlq']
    assert sorted(map(str, world.done)) == ['0', 'dlq', 'retry', 'skip']


def test_only_the_refused_payload_of_a_batch_is_dead_lettered(world: World, sink: FakeSink) -> None:
    world.start(sink)
    sink.behave = refusing(3)
    world.submit(1, 2, 3, 4)
    world.settle()
    assert sorted(sink.stored) == [1, 2, 4]
    assert dead(world) == [3]
    (failure,) = world.failures
    assert failure.refused
    assert world.done == [1]


def test_exceptions_of_one_message_are_judged_one_by_one(world: World, sink: FakeSink) -> None:
    world.start(sink)

    def behave(payloads: Sequence[Payload]) -> None:
        raise PartialDeliveryError({0: RefusedError(), 2: ValueError(), 3: TransientSinkError()})

    sink.behave = behave
    world.submit(0, 1, 2, 3, name='m')
    world.settle()
    assert [(f.payloads[0].data, f.refused) for f in world.failures] == [
        (0, True),
        (2, False),
        (3, False),
    ]
    (letter,) = world.queue.letters
    assert [payload.data for payload in letter.payloads] == [0, 2, 3]
    assert letter.error == 'RefusedError; ValueError; TransientSinkError'
    assert world.done == ['m']


def test_others_pass_while_a_batch_backs_off(world: World, sink: FakeSink) -> None:
    world.start(sink, retry_backoff_seconds=60, retry_backoff_max_seconds=60)
    world.answer = lambda failure: RETRY
    sink.behave = failing(1, ValueError())
    world.submit(1)
    world.wait(lambda: world.failures)
    world.submit(2)
    world.wait(lambda: world.done == [2])
    assert world.nursery.names() == ['dead-letters', 'sink-fake.main', 'sink-fake.main-recovery']


def test_a_backoff_ends_with_its_scope(world: World, sink: FakeSink) -> None:
    router = world.start(sink, retry_backoff_seconds=60, retry_backoff_max_seconds=60)
    world.answer = lambda failure: RETRY
    sink.behave = failing(1, ValueError())
    world.submit(1)
    world.wait(lambda: world.failures)
    world.scope.cancel()
    world.wait(lambda: router.idle)
    assert world.done == []
    assert len(sink.calls) == 1


def test_quick_retries_of_an_idempotent_sink_never_reach_the_handler(world: World) -> None:
    sink = IdempotentSink()
    router = world.start(sink)
    sink.behave = failing(3, ConnectionError())
    world.submit(1)
    world.settle()
    assert world.failures == []
    assert world.done == [1]
    assert [number for _, number in world.ears.all('sink_retried')] == [1, 1, 1]
    assert router.snapshot()[0].retries == 3


def test_every_message_behind_a_payload_has_its_letter(world: World, sink: FakeSink) -> None:
    world.start(sink)
    sink.behave = failing(1, ValueError())
    world.submit(1, messages=3)
    world.settle()
    assert [letter.message.offset for letter in world.queue.letters] == [1, 2, 3]
    assert dead(world) == [1, 1, 1]
    assert world.done == [1]


def test_payloads_without_a_message_are_not_lost(world: World, sink: FakeSink) -> None:
    world.start(sink)
    sink.behave = failing(1, ValueError())
    world.submit(1, messages=0)
    world.settle()
    assert dead(world) == [1]
    assert world.done == [1]


def test_an_open_breaker_sends_batches_straight_to_the_dead_letter_queue(world: World) -> None:
    sink = FakeSink(failure_threshold=2, cooldown_seconds=60)
    router = world.start(sink)
    sink.behave = failing(99, ConnectionError('refused'))
    for number in range(4):
        world.submit(number)
        world.settle()
    assert sink.calls == [[0], [1]]
    assert dead(world) == [0, 1, 2, 3]
    assert world.queue.letters[-1].attempts == 0
    assert 'circuit open: ConnectionError: refused' in world.queue.letters[-1].error
    assert len(world.failures) == 2
    assert router.snapshot()[0].breaker == 1.0
    assert len(world.ears.all('circuit_opened')) == 1
    assert world.done == [0, 1, 2, 3]


def test_a_probe_closes_it_again(world: World) -> None:
    sink = FakeSink(failure_threshold=1, cooldown_seconds=0)
    router = world.start(sink)
    sink.behave = failing(1, ConnectionError())
    world.submit(1)
    world.settle()
    world.submit(2)
    world.settle()
    assert sink.stored == [2]
    assert len(world.ears.all('circuit_closed')) == 1
    assert router.snapshot()[0].breaker == 0.0


def test_refusals_do_not_open_it(world: World) -> None:
    sink = FakeSink(failure_threshold=1)
    router = world.start(sink)
    sink.behave = refusing(*range(10))
    for number in range(10):
        world.submit(number)
        world.settle()
    assert len(world.failures) == 10
    assert router.snapshot()[0].breaker == 0.0


def test_a_batch_that_backs_off_does_not_go_round_an_open_breaker(world: World) -> None:
    sink = FakeSink(failure_threshold=1, cooldown_seconds=60)
    world.start(sink, retry_backoff_seconds=0.05, retry_backoff_max_seconds=0.05)
    world.answer = lambda f: RETRY if f.payloads[0].data == 'patient' else DLQ
    sink.behave = failing(2, ValueError())
    world.submit('patient')
    world.wait(lambda: world.failures)
    world.submit('hasty')
    world.settle()
    assert sink.calls == [['patient'], ['hasty']]
    assert sorted(dead(world)) == ['hasty', 'patient']
    assert sorted(world.done) == ['hasty', 'patient']
