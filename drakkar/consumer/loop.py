"""The poll loop: from the source to the partitions' queues."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any

import gevent
import structlog
from gevent.event import Event

from drakkar import backoff
from drakkar.consumer.assignment import Assignment
from drakkar.consumer.backpressure import Backpressure
from drakkar.contracts.observer import Observer
from drakkar.contracts.source import Source
from drakkar.errors import PartitionLostError, SourceError
from drakkar.models.message import SourceMessage, TopicPartition

log = structlog.get_logger('drakkar.consumer')

_POLL_SECONDS = 0.5
_BACKOFF_MAX_SECONDS = 10.0


class PollLoop:
    """Polls until stopped. `options` is the `[source]` section."""

    def __init__(
        self,
        source: Source,
        assignment: Assignment,
        pressure: Backpressure,
        observer: Observer,
        options: Any,
    ) -> None:
        self._source = source
        self._assignment = assignment
        self._pressure = pressure
        self._observer = observer
        self._options = options
        self._stopping = False
        # Set by whoever takes load away, so that a pause ends at once and not at a poll.
        self.relieved = Event()
        self.idle_seconds = 0.0

    def stop(self) -> None:
        """Take nothing more; polling itself goes on, since it keeps the membership."""
        self._stopping = True
        self._source.pause()
        self.relieved.set()

    def run(self) -> None:
        """Poll for ever; the owner kills the greenlet when the partitions are released."""
        failures = 0
        while True:
            try:
                self._turn()
                failures = 0
            except PartitionLostError as error:
                lost = [p for p in error.partitions if isinstance(p, TopicPartition)]
                self._assignment.lost(lost)
            except SourceError as error:
                failures += 1
                delay = backoff.delay_seconds(
                    failures, self._options.error_backoff_seconds, _BACKOFF_MAX_SECONDS
                )
                log.warning('poll_failed', error=str(error), retry_in_seconds=round(delay, 1))
                self._observer.source_error(error)
                gevent.sleep(delay)

    def _turn(self) -> None:
        if self._stopping or self._pressure.active:
            self.relieved.clear()  # before the poll: what is relieved during it must count
            self._source.poll(1, 0)
            self.relieved.wait(_POLL_SECONDS)
        else:
            self._take()
        self._hold_back()

    def _take(self) -> None:
        started = time.monotonic()
        limit = max(1, min(self._pressure.room, self._options.poll_max_messages))
        messages = self._source.poll(limit, _POLL_SECONDS)
        if not messages:
            self.idle_seconds += time.monotonic() - started
        elif not self._stopping:
            self._dispatch(messages)
            gevent.sleep(0)  # let the partitions take what they can before judging the load

    def _dispatch(self, messages: list[SourceMessage]) -> None:
        batches: defaultdict[TopicPartition, list[SourceMessage]] = defaultdict(list)
        for message in messages:
            batches[TopicPartition(message.topic, message.partition)].append(message)
        for partition, batch in batches.items():
            processor = self._assignment.get(partition)
            if processor is None:
                continue  # given up since the poll began; the next owner reads them again
            self._pressure.add(len(batch))
            self._observer.consumed(batch)
            processor.offer(batch)

    def _hold_back(self) -> None:
        change = self._pressure.update()
        if change is None or self._stopping:
            return
        if change:
            self._source.pause()
        else:
            self._source.resume()
        self._observer.backpressure(change, self._pressure.total)
