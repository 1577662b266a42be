from __future__ import annotations

from collections.abc import Callable, Iterator

import gevent
import pytest
from gevent.event import Event

from drakkar.greenlets import Killed, NamedGreenlet, Nursery, kill_all, offload
from tests.waiting import until

Deaths = list[tuple[str, BaseException]]


@pytest.fixture
def deaths() -> Deaths:
    return []


@pytest.fixture
def nursery(deaths: Deaths) -> Iterator[Nursery]:
    nursery = Nursery(lambda name, error: deaths.append((name, error)))
    yield nursery
    nursery.kill()


def test_it_knows_who_lives(nursery: Nursery) -> None:
    gate = Event()
    nursery.spawn('b', gate.wait)
    nursery.spawn('a', gate.wait)
    assert nursery.names() == ['a', 'b']
    assert len(nursery) == 2
    assert not nursery.join(0)
    gate.set()
    assert nursery.join(5)
    assert not nursery.names()


def raising(error: BaseException) -> Callable[[], None]:
    def run() -> None:
        raise error

    return run


@pytest.mark.parametrize(
    'error', [ValueError('x'), gevent.Timeout(1), SystemExit(0), GeneratorExit()]
)
def test_every_death_by_an_exception_is_told(
    nursery: Nursery, deaths: Deaths, error: BaseException
) -> None:
    nursery.spawn('victim', raising(error))
    assert nursery.join(5)
    assert deaths == [('victim', error)]


def test_its_own_kill_is_no_failure(nursery: Nursery, deaths: Deaths) -> None:
    reasons: list[BaseException] = []

    def run() -> None:
        try:
            Event().wait()
        except BaseException as error:
            reasons.append(error)
            raise

    nursery.spawn('running', run)
    gevent.sleep(0)
    nursery.spawn('not yet started', run)
    assert nursery.kill()
    assert [type(reason) for reason in reasons] == [Killed]
    assert not deaths
    assert not nursery.names()


def test_who_kills_all_lives_on(nursery: Nursery) -> None:
    killed: list[bool] = []
    nursery.spawn('other', Event().wait)
    nursery.spawn('killer', lambda: killed.append(nursery.kill()))
    until(lambda: killed == [True])


def stubborn(gate: Event) -> None:
    while not gate.is_set():
        try:
            gate.wait()
        except gevent.GreenletExit:
            continue


def test_one_that_swallows_its_kill_is_waited_for_no_longer_than_asked(nursery: Nursery) -> None:
    gate = Event()
    nursery.spawn('stubborn', stubborn, gate)
    nursery.spawn('meek', Event().wait)
    gevent.sleep(0)
    assert nursery.kill(0.01) is False
    assert nursery.names() == ['stubborn']
    gate.set()
    assert nursery.kill(5) is True


def test_kill_all_says_whether_all_have_ended() -> None:
    gate = Event()
    greenlets = [NamedGreenlet('meek', Event().wait), NamedGreenlet('stubborn', stubborn, gate)]
    for greenlet in greenlets:
        greenlet.start()
    gevent.sleep(0)
    assert kill_all([]) is True
    assert kill_all(greenlets, 0.01) is False
    gate.set()
    assert kill_all(greenlets, 5) is True
    assert kill_all(greenlets) is True


def test_offload_returns_and_raises_what_the_function_does() -> None:
    assert offload(sorted, [2, 1], reverse=False) == [1, 2]
    with pytest.raises(ZeroDivisionError):
        offload(lambda: 1 / 0)
