from __future__ import annotations

from typing import Any

import gevent
import pytest
from gevent.event import Event

from drakkar.errors import RefusedError
from drakkar.models.delivery import CancelScope, DeadLetter, Provenance
from drakkar.models.message import TopicPartition
from tests.delivery.world import FakePayload, FakeSink, World


def post(world: World, name: Any, value: bytes = b'x', count: int = 1) -> None:
    """Send letters of messages that no sink ever saw."""
    assert world.router is not None
    letters = []
    for _ in range(count):
        message = world.message()
        message.value = value
        letters.append(DeadLetter(message, 'parse', 'not JSON'))
    world.router.dead_letter(
        letters,
        Provenance([letter.message for letter in letters], world.scope),
        lambda: world.done.append(name),
    )


def stalled(world: World) -> list[int]:
    """What the observer was told of the one partition, in order."""
    assert {tp for tp, _ in world.ears.all('stalled')} <= {TopicPartition('topic', 0)}
    return [count for _, count in world.ears.all('stalled')]


def broken_sink(world: World, **settings: Any) -> FakeSink:
    """A started world whose sink and queue are both away."""
    sink = FakeSink()
    world.start(sink, **settings)
    world.queue.broken = True

    def behave(payloads: Any) -> None:
        raise ConnectionError('away')

    sink.behave = behave
    return sink


def test_letters_are_stored_and_signed(world: World) -> None:
    world.start()
    post(world, 'm')
    assert world.done == []
    world.settle()
    assert world.done == ['m']
    assert world.queue.letters[0].worker == 'worker-1'
    assert len(world.ears.all('dlq_sent')) == 1


def test_several_letters_go_in_one_send(world: World) -> None:
    world.start()
    for number in range(20):
        post(world, number, count=2)
    world.settle()
    assert world.queue.sends == [40]
    assert world.done == list(range(20))


def test_a_send_is_bounded(world: World) -> None:
    world.start()
    for number in range(25):
        post(world, number, count=20)
    world.settle()
    assert world.queue.sends == [200, 200, 100]


def test_no_letters_are_done_at_once(world: World) -> None:
    world.start()
    post(world, 'none', count=0)
    assert world.done == ['none']


def test_it_stalls_until_the_queue_is_back(world: World) -> None:
    router = world.start()
    world.queue.broken = True
    post(world, 1)
    post(world, 2)
    world.wait(lambda: len(world.queue.sends) > 3)
    assert stalled(world) == [2]
    post(world, 3)
    world.wait(lambda: stalled(world) == [2, 3])
    assert not router.idle
    assert world.done == []
    world.queue.broken = False
    world.settle()
    assert sorted(world.done) == [1, 2, 3]
    assert stalled(world) == [2, 3, 0]


def test_a_stalled_letter_is_offered_to_its_sink_first(world: World) -> None:
    sink = broken_sink(world)
    world.submit('a', 'b', name='m')
    world.wait(lambda: len(world.queue.sends) > 2)
    sink.behave = lambda payloads: None
    world.settle()
    assert sink.stored == ['a', 'b']
    assert world.queue.letters == []
    assert world.done == ['m']
    assert stalled(world) == [1, 0]


def test_what_the_sink_takes_of_a_stalled_letter_is_not_stored_again(world: World) -> None:
    sink = broken_sink(world)
    world.submit('a', 'b', name='m')
    world.wait(lambda: len(world.queue.sends) > 2)

    def half(payloads: Any) -> None:
        if any(p.data == 'a' for p in payloads):
            raise RefusedError

    sink.behave = half
    world.wait(lambda: sink.stored)
    rounds = len(world.queue.sends)
    world.wait(lambda: len(world.queue.sends) > rounds + 2)
    assert world.done == []
    world.queue.broken = False
    world.settle()
    assert sink.stored == ['b']
    (letter,) = world.queue.letters
    assert [p.data for p in letter.payloads] == ['a']
    assert world.done == ['m']


def test_each_attempt_of_a_stall_is_counted_in_the_letter(world: World) -> None:
    sink = broken_sink(world)
    world.submit('a')
    world.wait(lambda: len(sink.calls) >= 3)
    world.queue.broken = False
    world.settle()
    assert world.queue.letters[0].attempts == len(sink.calls)


def test_a_sink_that_comes_back_in_a_stall_closes_its_breaker(world: World) -> None:
    sink = FakeSink(failure_threshold=1, cooldown_seconds=600)
    router = world.start(sink)
    world.queue.broken = True
    away = [True]

    def behave(payloads: Any) -> None:
        if away[0]:
            raise ConnectionError

    sink.behave = behave
    world.submit(1)
    world.wait(lambda: router.snapshot()[0].breaker == 1.0)
    away[0] = False
    world.settle()
    assert router.snapshot()[0].breaker == 0.0
    world.submit(2)
    world.settle()
    assert sink.stored == [1, 2]


def test_a_letter_that_the_queue_never_takes_holds_up_no_other(world: World) -> None:
    world.start()
    world.queue.hated = b'poison'
    for number in range(30):
        post(world, number, b'poison' if number == 7 else b'x')
    world.wait(lambda: len(world.done) == 29)
    assert stalled(world)[-1] == 1
    post(world, 'late')
    world.wait(lambda: 'late' in world.done)
    world.queue.hated = b''
    world.settle()
    assert 7 in world.done
    assert stalled(world)[-1] == 0
    assert len(world.done) == len(set(world.done)) == 31


def test_drop_loses_the_letter_on_purpose(world: World) -> None:
    world.start(on_send_failure='drop')
    world.queue.broken = True
    post(world, 1)
    world.settle()
    assert world.done == [1]
    assert len(world.ears.all('dlq_failed')) == len(world.ears.all('dlq_dropped')) == 1
    assert stalled(world) == []


def test_a_cancelled_scope_leaves_the_stall(world: World) -> None:
    router = world.start()
    world.queue.broken = True
    post(world, 'mine')
    mine, world.scope = world.scope, CancelScope()
    post(world, 'other')
    world.wait(lambda: stalled(world)[-1:] == [2] or len(world.queue.sends) > 3)
    mine.cancel()
    world.wait(lambda: stalled(world)[-1] == 1)
    world.scope.cancel()
    world.wait(lambda: router.idle)
    assert stalled(world)[-1] == 0
    assert world.done == []


def test_a_queue_that_hangs_is_given_up_and_tried_again(world: World) -> None:
    world.start(delivery_timeout_seconds=0.02)
    real, calls = world.queue.send, []

    def send(letters: Any) -> None:
        calls.append(len(letters))
        if len(calls) == 1:
            gevent.sleep(60)
        real(letters)

    world.queue.send = send  # type: ignore[method-assign]
    post(world, 1)
    world.settle()
    assert len(calls) == 2
    assert world.done == [1]


@pytest.mark.parametrize('count', [1, 300])
def test_adding_never_waits(world: World, count: int) -> None:
    world.start(FakeSink())
    gate = Event()
    world.queue.send = lambda letters: gate.wait()  # type: ignore[assignment,method-assign]
    with gevent.Timeout(1, AssertionError('dead_letter waited')):
        for number in range(count):
            post(world, number)
    gate.set()
    world.settle()
    assert len(world.done) == count


def test_payloads_are_in_the_letter_as_they_were_submitted(world: World) -> None:
    sink = broken_sink(world)
    world.queue.broken = False
    world.submit({'a': 1})
    world.settle()
    assert world.queue.letters[0].payloads == [FakePayload({'a': 1})]
    assert sink.calls == [[{'a': 1}]]


def test_a_sink_that_is_away_costs_one_delivery_a_round(world: World) -> None:
    sink = FakeSink(failure_threshold=1, cooldown_seconds=600)
    world.start(sink)
    world.queue.broken = True

    def behave(payloads: Any) -> None:
        raise ConnectionError

    sink.behave = behave
    for number in range(10):
        world.submit(number)
        world.wait(lambda: sink.calls)
    world.wait(lambda: stalled(world)[-1:] == [10])
    calls, sends = len(sink.calls), len(world.queue.sends)
    world.wait(lambda: len(world.queue.sends) >= sends + 5)
    assert 5 <= len(sink.calls) - calls <= 6


def test_a_sink_that_comes_back_is_not_given_what_was_cancelled(world: World) -> None:
    sink = broken_sink(world)
    world.submit('late')
    late, world.scope = world.scope, CancelScope()
    world.submit('in time')
    world.wait(lambda: stalled(world)[-1:] == [2])
    late.cancel()
    sink.behave = lambda payloads: None
    world.settle()
    assert sink.stored == ['in time']
    assert world.done == ['in time']
