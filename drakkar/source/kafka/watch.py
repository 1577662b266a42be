"""Looks after offsets that reading itself does not show."""

from __future__ import annotations

from collections.abc import Callable

import gevent
import structlog
from gevent.event import Event
from kafka import TopicPartition as KafkaPartition
from kafka.errors import KafkaError

from drakkar.errors import SourceError
from drakkar.greenlets import Nursery
from drakkar.models.message import TopicPartition
from drakkar.source.kafka.commits import Commits
from drakkar.source.kafka.consumer import GroupConsumer
from drakkar.source.kafka.ownership import Ownership

log = structlog.get_logger('drakkar.source.kafka')

# While paused little is fetched, so high watermarks have to be asked for.
_WATCH_SECONDS = 5.0
_AGAIN_SECONDS = 1.0


class Watch:
    """A greenlet that commits where reading begins, and asks for high watermarks.

    It asks while `paused()` says so; `live()` returns the consumer or raises SourceError.
    """

    def __init__(
        self,
        commits: Commits,
        partitions: Ownership,
        live: Callable[[], GroupConsumer],
        paused: Callable[[], bool],
    ) -> None:
        self._commits = commits
        self._partitions = partitions
        self._live = live
        self._paused = paused
        self._look = Event()
        self._greenlets = Nursery(self._failed)

    def start(self) -> None:
        self._greenlets.spawn('kafka-watch', self._run)

    def soon(self) -> None:
        """Have it look now and not at its next turn."""
        self._look.set()

    def close(self) -> None:
        self._greenlets.kill()

    def _run(self) -> None:
        while True:
            self._look.wait(_WATCH_SECONDS)
            self._look.clear()
            try:
                self._commits.anchor()
                if self._paused():
                    self._ask_highs()
            except (KafkaError, SourceError) as error:
                log.info('watch_failed', error=str(error))
                gevent.sleep(_AGAIN_SECONDS)

    def _ask_highs(self) -> None:
        owned = [KafkaPartition(*p) for p in self._partitions.owned]
        if owned:
            found = self._live().end_offsets(owned, timeout_ms=_WATCH_SECONDS * 1000)
            for partition, high in found.items():
                if partition in self._partitions.owned:
                    self._partitions.reaches(TopicPartition(*partition), high)

    def _failed(self, name: str, error: BaseException) -> None:
        # Positions get old, nothing else; the next assignment does not depend on it.
        self._greenlets.spawn(name, self._run)
