"""The topic `live`: every listener can follow from the snapshot it was given."""

from __future__ import annotations

import pytest

from drakkar.ui.topics import live
from drakkar.ui.topics.live import Feed
from tests.recorder.live_world import Client, World, task


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(live.time, 'monotonic', lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def world() -> World:
    return World(min_duration=0)


def tick(feed: Feed, clock: Clock, *clients: Client) -> dict | None:
    clock.now += 0.25
    delta = feed.delta()
    for client in clients if delta else ():
        client.apply(delta)
    return delta


def test_who_comes_between_two_ticks_misses_nothing(world: World, clock: Clock) -> None:
    feed = Feed(world.board)
    early = Client(feed.snapshot())
    tick(feed, clock, early)
    world.complete(task(1), 1.0)
    late = Client(feed.snapshot())
    world.complete(task(2), 1.0)
    tick(feed, clock, early, late)
    fresh = Client(world.board.snapshot())
    assert early.state() == late.state() == fresh.state()


def test_without_a_change_only_the_time_is_told_once_a_second(world: World, clock: Clock) -> None:
    feed = Feed(world.board)
    client = Client(feed.snapshot())
    told = []
    for _ in range(9):
        world.idle += 1
        told.append(tick(feed, clock, client))
    assert [delta is not None for delta in told] == [n % 4 == 0 for n in range(9)]
    world.complete(task(1), 1.0)
    assert tick(feed, clock, client) is not None


def test_a_slot_that_gets_busy_is_told_at_once(world: World, clock: Clock) -> None:
    feed = Feed(world.board)
    client = Client(feed.snapshot())
    tick(feed, clock, client)
    world.busy.add(3)
    delta = tick(feed, clock, client)
    assert delta is not None
    assert delta['pool']['active'] == 1


def test_what_happened_while_nobody_listened_is_not_told_again(world: World, clock: Clock) -> None:
    feed = Feed(world.board)
    for offset in range(50):
        world.complete(task(offset), 1.0)
    clock.now += 60
    client = Client(feed.snapshot())
    delta = tick(feed, clock, client)
    assert delta is not None
    assert delta['bars'] == []


def test_who_is_told_too_late_can_see_that_something_is_missing(world: World, clock: Clock) -> None:
    feed = Feed(world.board)
    client = Client(feed.snapshot())
    tick(feed, clock, client)
    world.complete(task(1), 1.0)
    clock.now += 60  # no tick came through for long
    feed.snapshot()
    delta = feed.delta()
    assert delta is not None
    assert delta['since'] > client.revision
