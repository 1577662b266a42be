"""Topics, and who listens to them: one ticker a topic, one frame for all its listeners."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import gevent
import structlog

from drakkar import jsonio
from drakkar.greenlets import Nursery
from drakkar.ui.ws import protocol
from drakkar.ui.ws.client import Client

log = structlog.get_logger('drakkar.ui.ws')

MAX_CLIENTS = 128


@dataclass(frozen=True, slots=True)
class Topic:
    """Live data. `snapshot` is for who just came, `delta` (or None) for all at each tick.

    Both are called in the hub's thread, must not wait, and return what JSON takes.
    They are called only while somebody listens.
    """

    name: str
    interval_seconds: float
    snapshot: Callable[[], dict[str, Any]]
    delta: Callable[[], dict[str, Any] | None]


class _Channel:
    """One topic, its listeners, and how often it has ticked."""

    def __init__(self, topic: Topic) -> None:
        self.topic = topic
        self.clients: set[Client] = set()
        self.seq = 0
        self.ticker: gevent.Greenlet | None = None

    def frame(self, kind: str, data: Any, dropped: int = 0) -> bytes:
        message = {
            'topic': self.topic.name,
            'kind': kind,
            'seq': self.seq,
            'dropped': dropped,
            'data': data,
        }
        return protocol.encode(protocol.TEXT, jsonio.dumps_bytes(message))

    def snapshot(self, dropped: int = 0) -> bytes:
        return self.frame('snapshot', self.topic.snapshot(), dropped)

    def tick(self) -> None:
        """Give every listener what is new; built and written as JSON once."""
        delta = self.topic.delta()
        if delta is None:
            return
        self.seq += 1
        frame = self.frame('delta', delta)
        for client in list(self.clients):
            client.offer(frame)


class Hub:
    """All topics of a worker. Its greenlets belong to `greenlets`."""

    def __init__(self, topics: Iterable[Topic], greenlets: Nursery) -> None:
        self._channels = {topic.name: _Channel(topic) for topic in topics}
        self._greenlets = greenlets
        self.clients: set[Client] = set()

    @property
    def topics(self) -> list[str]:
        return sorted(self._channels)

    @property
    def full(self) -> bool:
        return len(self.clients) >= MAX_CLIENTS

    def resync(self, topic: str, dropped: int) -> bytes:
        """Return a fresh snapshot frame for a client that lost some."""
        return self._channels[topic].snapshot(dropped)

    def join(self, client: Client) -> None:
        """Give a client the snapshots of its topics and, from then on, what is new."""
        self.clients.add(client)
        for name in client.topics:
            channel = self._channels[name]
            client.offer(channel.snapshot())
            channel.clients.add(client)
            if channel.ticker is None:
                channel.ticker = self._greenlets.spawn(f'ui-topic-{name}', _tick, channel)

    def leave(self, client: Client) -> None:
        """Forget a client; a topic without any rests."""
        self.clients.discard(client)
        for name in client.topics:
            channel = self._channels[name]
            channel.clients.discard(client)
            if not channel.clients and channel.ticker is not None:
                channel.ticker.kill(block=False)
                channel.ticker = None

    def close(self) -> None:
        """Tell every client that the worker is going away."""
        for client in list(self.clients):
            client.close(protocol.GOING_AWAY, 'the worker is stopping')


def _tick(channel: _Channel) -> None:
    while True:
        gevent.sleep(channel.topic.interval_seconds)
        try:
            channel.tick()
        except Exception:  # a page that does not move must not end the worker
            log.exception('topic_failed', topic=channel.topic.name)
