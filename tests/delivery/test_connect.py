from __future__ import annotations

from collections.abc import Callable

import gevent
import pytest
from gevent.event import Event

from drakkar.errors import AccessRefusedError, ConfigError, ConnectError
from tests.delivery.world import FakeSink, World


class FussySink(FakeSink):
    """Raises `error` in the first `times` connects."""

    def __init__(self, name: str, error: Exception, times: int) -> None:
        super().__init__(name)
        self.error = error
        self.times = times

    def connect(self) -> None:
        super().connect()
        if self.connected <= self.times:
            raise self.error


class MeetingSink(FakeSink):
    """Connects only when the other one does so at the same time."""

    arrived: Event
    other: MeetingSink

    def connect(self) -> None:
        self.arrived.set()
        assert self.other.arrived.wait(5)
        super().connect()


def test_sinks_connect_in_parallel(world: World) -> None:
    first, second = MeetingSink('first'), MeetingSink('second')
    first.other, second.other = second, first
    first.arrived, second.arrived = Event(), Event()
    world.start(first, second)
    assert (first.connected, second.connected) == (1, 1)


def test_a_sink_that_is_late_is_tried_again(world: World) -> None:
    sink = FussySink('late', ConnectionError(), times=3)
    world.start(sink)
    assert sink.connected == 4
    world.submit(1)
    world.settle()
    assert sink.stored == [1]


def test_one_that_never_comes_is_named_and_all_are_closed(world: World) -> None:
    good = FakeSink('good')
    bad = FussySink('bad', ConnectionError('refused'), times=99)
    worse = FussySink('worse', ValueError('no such thing'), times=99)
    with pytest.raises(ConnectError) as caught:
        world.start(good, bad, worse, connect_attempts=3)
    assert str(caught.value).splitlines() == [
        '[sinks.fake.bad] could not connect: ConnectionError: refused',
        '[sinks.fake.worse] could not connect: ValueError: no such thing',
    ]
    assert (bad.connected, worse.connected) == (3, 3)
    assert (good.closed, bad.closed, worse.closed) == (1, 1, 1)
    assert world.nursery.names() == []


def test_a_mistake_in_the_section_is_not_tried_again(world: World) -> None:
    sink = FussySink('files', ConfigError('base_path /x: not writable'), times=99)
    with pytest.raises(ConfigError) as caught:
        world.start(sink)
    assert caught.value.problems == ['[sinks.fake.files] base_path /x: not writable']
    assert sink.connected == 1


def test_a_login_that_is_refused_is_not_tried_again(world: World) -> None:
    sink = FussySink('out', AccessRefusedError('the login of alice was refused'), times=99)
    with pytest.raises(ConnectError) as caught:
        world.start(sink)
    assert str(caught.value) == '[sinks.fake.out] the login of alice was refused'
    assert sink.connected == 1


def test_a_connect_that_hangs_is_a_failure(world: World) -> None:
    class Hanging(FakeSink):
        def connect(self) -> None:
            gevent.sleep(60)

    with pytest.raises(ConnectError, match='no answer'):
        world.start(Hanging(), delivery_timeout_seconds=0.01, connect_attempts=2)


def raises(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def test_a_sink_that_can_not_be_closed_does_not_keep_others_open(world: World) -> None:
    first, second = FakeSink('first'), FakeSink('second')
    router = world.start(first, second)
    first.close = raises(OSError('no'))  # type: ignore[method-assign]
    router.close()
    assert second.closed == 1


def test_the_sinks_are_there_for_the_handler(world: World) -> None:
    first, second = FakeSink('first'), FakeSink('second')
    router = world.start(first, second)
    assert list(router.sinks.values()) == [first, second]
    assert [str(ref) for ref in router.sinks] == ['fake.first', 'fake.second']
