"""Who listens gets what is new; who is slow loses it, is told, and holds up nobody."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from gevent.event import Event

from drakkar.greenlets import Nursery
from drakkar.ui.ws import client as client_module
from drakkar.ui.ws import protocol
from drakkar.ui.ws.client import MAX_FRAMES, Client
from drakkar.ui.ws.hub import Hub, Topic
from tests.waiting import until


class Wire:
    """Takes frames, unless it is `stuck`."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.open = Event()
        self.open.set()

    def sendall(self, data: bytes) -> None:
        self.open.wait()
        self.frames.append(data)

    @property
    def messages(self) -> list[Any]:
        return [json.loads(f[f.index(b'{') :]) for f in self.frames if f[0] == 0x81]


class World:
    """A hub whose topic counts its ticks."""

    def __init__(self) -> None:
        self.count = 0
        self.snapshots = 0
        self.broken = False
        self.greenlets = Nursery(lambda name, error: None)
        self.hub = Hub([Topic('t', 0.005, self.snapshot, self.delta)], self.greenlets)

    def snapshot(self) -> dict[str, Any]:
        self.snapshots += 1
        return {'count': self.count}

    def delta(self) -> dict[str, Any] | None:
        if self.broken:
            raise RuntimeError('no delta')
        self.count += 1
        return None if self.count % 2 else {'count': self.count}

    def connect(self, wire: Wire) -> Client:
        client = Client(['t'], wire.sendall, self.hub.resync)
        self.hub.join(client)
        self.greenlets.spawn('writer', client.write)
        return client


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.greenlets.kill()


def test_a_snapshot_comes_first_and_then_what_is_new(world: World) -> None:
    wire = Wire()
    world.connect(wire)
    until(lambda: len(wire.frames) > 3)
    first, *rest = wire.messages
    assert first == {'topic': 't', 'kind': 'snapshot', 'seq': 0, 'dropped': 0, 'data': {'count': 0}}
    assert [m['kind'] for m in rest] == ['delta'] * len(rest)
    assert [m['seq'] for m in rest] == list(range(1, len(rest) + 1))
    assert [m['data']['count'] for m in rest] == [2 * n for n in range(1, len(rest) + 1)]


def test_all_listeners_are_sent_the_very_same_bytes(world: World) -> None:
    one, two = Wire(), Wire()
    world.connect(one)
    world.connect(two)
    until(lambda: len(one.frames) > 2 and len(two.frames) > 2)
    assert one.frames[1] is two.frames[1]


def test_nobody_listens_nothing_is_made(world: World) -> None:
    wire = Wire()
    client = world.connect(wire)
    until(lambda: wire.frames)
    world.hub.leave(client)
    gevent.sleep(0)
    count = world.count
    gevent.sleep(0.03)  # several times its period
    assert world.count == count
    assert world.greenlets.names() == ['writer']


def test_a_slow_one_loses_frames_is_told_and_gets_a_fresh_snapshot(world: World) -> None:
    slow, quick = Wire(), Wire()
    client = world.connect(slow)
    world.connect(quick)
    until(lambda: slow.frames)
    slow.open.clear()
    until(lambda: client.dropped > MAX_FRAMES)
    assert len(quick.frames) > MAX_FRAMES
    assert len(client._frames) == 0
    had = len(slow.frames)
    dropped = client.dropped
    slow.open.set()
    until(lambda: any(m['dropped'] for m in slow.messages))
    told = next(m for m in slow.messages if m['dropped'])
    assert told['kind'] == 'snapshot'
    assert told['dropped'] >= dropped
    later = [m for m in slow.messages[had:] if m['seq'] > told['seq']]
    until(lambda: slow.messages[-1]['kind'] == 'delta')
    assert all(m['dropped'] == 0 for m in later)


def test_sequence_numbers_show_what_was_lost(world: World) -> None:
    wire = Wire()
    client = world.connect(wire)
    until(lambda: wire.frames)
    wire.open.clear()
    until(lambda: client.dropped > MAX_FRAMES)
    wire.open.set()
    until(lambda: any(m['dropped'] for m in wire.messages))
    until(lambda: wire.messages[-1]['kind'] == 'delta')
    kinds = [(m['kind'], m['seq']) for m in wire.messages]
    for (_, before), (kind, seq) in itertools.pairwise(kinds):
        assert kind == 'snapshot' or seq == before + 1


def test_a_topic_that_fails_goes_on(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    wire = Wire()
    world.broken = True
    world.connect(wire)
    until(lambda: 'topic_failed' in ''.join(capsys.readouterr()))
    world.broken = False
    until(lambda: len(wire.frames) > 2)


def test_who_answers_no_ping_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, 'PING_SECONDS', 0.01)
    wire = Wire()
    client = Client([], wire.sendall, lambda topic, dropped: b'')
    with pytest.raises(TimeoutError, match='ping'):
        client.write()
    (frame,) = wire.frames
    assert frame.endswith(protocol.encode(protocol.PING, b''))
    assert b'"kind":"alive"' in frame


def test_who_takes_nothing_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, 'WRITE_SECONDS', 0.01)
    wire = Wire()
    wire.open.clear()
    client = Client([], wire.sendall, lambda topic, dropped: b'')
    client.offer(b'x')
    with pytest.raises(TimeoutError, match='read'):
        client.write()


def test_the_end_of_the_worker_is_told(world: World) -> None:
    wire = Wire()
    world.connect(wire)
    world.hub.close()
    until(lambda: wire.frames and wire.frames[-1][0] == 0x88)
    assert wire.frames[-1][2:4] == b'\x03\xe9'
