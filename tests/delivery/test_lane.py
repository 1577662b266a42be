from __future__ import annotations

from collections.abc import Sequence

import gevent
from gevent.event import Event

from drakkar.errors import PartialDeliveryError, RefusedError
from drakkar.models.delivery import Provenance
from drakkar.models.payload import Payload
from tests.delivery.world import FakePayload, FakeSink, World


def hold(sink: FakeSink) -> Event:
    """Make the sink wait in `deliver` until the event is set."""
    gate = Event()
    sink.behave = lambda payloads: gate.wait()
    return gate


def test_a_submission_is_delivered_and_its_owner_told_once(world: World, sink: FakeSink) -> None:
    world.start(sink)
    world.submit(1, 2, 3, name='m')
    world.wait(lambda: world.done)
    assert sink.calls == [[1, 2, 3]]
    assert world.done == ['m']
    ((ref, payloads, duration, provenances),) = world.ears.all('sink_delivered')
    assert (str(ref), len(payloads)) == ('fake.main', 3)
    assert duration >= 0
    assert [len(p.messages) for p in provenances] == [1, 1, 1]


def test_what_waits_meanwhile_becomes_one_batch(world: World, sink: FakeSink) -> None:
    world.start(sink)
    gate = hold(sink)
    world.submit(0)
    world.wait(lambda: sink.calls)
    for number in range(1, 6):
        world.submit(number)
    assert world.done == []
    gate.set()
    world.settle()
    assert sink.calls == [[0], [1, 2, 3, 4, 5]]
    assert world.done == [0, 1, 2, 3, 4, 5]


def test_each_payload_is_told_with_the_messages_behind_it(world: World, sink: FakeSink) -> None:
    def behave(payloads: Sequence[Payload]) -> None:
        if len(payloads) > 1:
            raise PartialDeliveryError({2: RefusedError('no')})

    world.start(sink)
    gate = hold(sink)
    world.submit(0)
    world.wait(lambda: sink.calls)
    world.submit(1, 2, name='a')
    world.submit(3, 4, name='b')
    sink.behave = behave
    gate.set()
    world.settle()
    queued = world.ears.all('produced')
    assert [provenance.messages[0].offset for *_, provenance in queued] == [1, 2, 3]
    *_, payloads, _, provenances = world.ears.all('sink_delivered')[-1]
    told = [
        (payload.data, origin.messages[0].offset)
        for payload, origin in zip(payloads, provenances, strict=True)
    ]
    assert told == [(1, 2), (2, 2), (4, 3)]
    ((failure, _, origin),) = world.ears.all('sink_error')
    assert ([p.data for p in failure.payloads], origin.messages[0].offset) == ([3], 3)


def test_batches_are_bounded_and_large_submissions_cut(world: World) -> None:
    sink = FakeSink(batch_max=4)
    world.start(sink)
    world.submit(*range(10), name='m')
    world.settle()
    assert [len(call) for call in sink.calls] == [4, 4, 2]
    assert sink.stored == list(range(10))
    assert world.done == ['m']


def test_a_lingering_lane_waits_for_more_but_not_when_the_batch_is_full(world: World) -> None:
    sink = FakeSink(batch_max=3, linger_ms=60_000)
    world.start(sink)
    world.submit(1)
    gevent.sleep(0)
    gevent.sleep(0)
    assert sink.calls == []
    world.submit(2, 3)
    world.wait(lambda: world.done == [1, 2])
    assert sink.calls == [[1, 2, 3]]


def test_a_lingering_lane_takes_a_full_batch_at_once(world: World) -> None:
    sink = FakeSink(batch_max=2, linger_ms=60_000)
    world.start(sink)
    for number in range(4):
        world.submit(number)
    world.wait(lambda: world.done == [0, 1, 2, 3])


def test_a_lingering_lane_does_not_wait_for_ever(world: World) -> None:
    sink = FakeSink(batch_max=3, linger_ms=2)
    world.start(sink)
    world.submit(1)
    world.wait(lambda: world.done == [1])


def test_a_full_queue_makes_the_submitter_wait(world: World) -> None:
    sink = FakeSink(queue_max=3, batch_max=1)
    router = world.start(sink)
    gate = hold(sink)
    world.submit(0)
    world.wait(lambda: sink.calls)
    world.submit(1, 2, 3)
    waiting = world.nursery.spawn('submitter', world.submit, 4)
    gevent.sleep(0)  # it runs as far as it can
    assert not waiting.dead
    assert router.snapshot()[0].queued == 3
    gate.set()
    waiting.join()
    world.settle()
    assert sorted(world.done) == [0, 1, 4]


def test_a_submission_larger_than_the_queue_passes(world: World) -> None:
    sink = FakeSink(queue_max=3)
    world.start(sink)
    world.submit(*range(50), name='m')
    world.settle()
    assert world.done == ['m']


def test_instances_do_not_wait_for_each_other(world: World) -> None:
    slow, fast = FakeSink('slow'), FakeSink('fast')
    world.start(slow, fast)
    gate = hold(slow)
    world.submit(1, sink='slow')
    world.submit(2, sink='fast')
    world.wait(lambda: world.done == [2])
    gate.set()
    world.settle()
    assert world.done == [2, 1]


def test_a_message_is_done_when_all_its_instances_are(world: World) -> None:
    first, second = FakeSink('first'), FakeSink('second')
    router = world.start(first, second)
    gate = hold(second)
    payloads = [FakePayload(1, sink='first'), FakePayload(2, sink='second')]
    router.submit(
        payloads, Provenance([world.message()], world.scope), lambda: world.done.append(1)
    )
    world.wait(lambda: first.stored)
    assert world.done == []
    gate.set()
    world.wait(lambda: world.done == [1])


def test_nothing_to_deliver_is_done_at_once(world: World, sink: FakeSink) -> None:
    world.start(sink)
    world.submit(name='empty')
    assert world.done == ['empty']


def test_a_cancelled_scope_drops_what_is_queued_and_tells_nobody(
    world: World, sink: FakeSink
) -> None:
    router = world.start(sink)
    gate = hold(sink)
    world.submit(1)
    world.wait(lambda: sink.calls)
    world.submit(2)
    world.scope.cancel()
    world.submit(3)
    world.submit(name='empty')
    gate.set()
    world.wait(lambda: router.idle)
    assert sink.calls == [[1]]
    assert world.done == []


def test_cancelling_wakes_a_submitter_that_waits_for_room(world: World) -> None:
    sink = FakeSink(queue_max=1)
    world.start(sink)
    hold(sink)
    world.submit(0)
    world.wait(lambda: sink.calls)
    world.submit(1)
    waiting = world.nursery.spawn('submitter', world.submit, 2)
    gevent.sleep(0)  # it runs as far as it can
    world.scope.cancel()
    waiting.join(3)
    assert waiting.dead


def test_closing_ends_a_delivery_and_frees_submitters(world: World) -> None:
    sink = FakeSink(queue_max=1)
    router = world.start(sink)
    hold(sink)
    world.submit(0)
    world.wait(lambda: sink.calls)
    world.submit(1)
    waiting = world.nursery.spawn('submitter', world.submit, 2)
    gevent.sleep(0)  # it runs as far as it can
    assert not router.join(0.01)
    router.close()
    waiting.join(0.5)  # not only at its next look
    assert waiting.dead
    assert world.done == []
    assert router.idle
    router.close()
    assert sink.closed == 1
    assert world.nursery.names() == []


def test_the_snapshot_is_a_copy_with_the_figures(world: World, sink: FakeSink) -> None:
    router = world.start(sink)
    before = router.snapshot()[0]
    world.submit(1, 2)
    world.settle()
    after = router.snapshot()[0]
    assert (before.delivered, after.delivered) == (0, 2)
    assert after.label == 'Fake'
    assert after.last_delivery_at is not None
    assert after.last_delivery_seconds is not None
    assert (after.errors, after.retries, after.breaker, after.queued) == (0, 0, 0.0, 0)
