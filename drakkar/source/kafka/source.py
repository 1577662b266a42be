"""The source that reads Kafka as a member of a consumer group."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import Any

import gevent
import structlog
from kafka import ConsumerRebalanceListener
from kafka import TopicPartition as KafkaPartition
from kafka.errors import IllegalStateError, KafkaConnectionError

from drakkar.contracts.source import Source, SourceEvents
from drakkar.errors import ConnectError, SourceError
from drakkar.kafka_client import KafkaClient
from drakkar.models.message import SourceMessage, TopicPartition
from drakkar.source.kafka.alignment import aligned_time
from drakkar.source.kafka.commits import Commits
from drakkar.source.kafka.consumer import GroupConsumer
from drakkar.source.kafka.health import Health
from drakkar.source.kafka.ownership import Ownership
from drakkar.source.kafka.read_ahead import ReadAhead
from drakkar.source.kafka.settings import consumer_settings
from drakkar.source.kafka.topics import Topics
from drakkar.source.kafka.watch import Watch

log = structlog.get_logger('drakkar.source.kafka')

# Records decoded at a time; the hub has nothing else to do meanwhile, about 2 ms.
_READ_AHEAD = 500
# How often the group is looked after while messages are waited for or handed over.
_TEND_SECONDS = 0.1
# With a pattern, kafka-python gets on with a rebalance only in a poll that outlasts a refresh
# of the metadata, and that comes 100 ms after the last one at the earliest.
_JOIN_SECONDS = 0.3
_DOUBT_SECONDS = 0.01
_METADATA_SECONDS = 0.5
_CLOSE_SECONDS = 5.0


class KafkaSource(Source):
    """Reads the partitions that the group gives to this worker. `options` are those of `[kafka]`.

    kafka-python does its IO in a greenlet of its own. Rebalance events are told
    from there, while `poll` waits for it; commits go past a poll that waits.
    """

    def __init__(self, options: Any, topics: Topics, worker_id: str) -> None:
        self._options = options
        self._topics = topics
        self._client = KafkaClient('kafka', options, worker_id)
        self._consumer: GroupConsumer | None = None
        self._events: SourceEvents | None = None
        self._join_at: float | None = None
        self._partitions = Ownership()
        self._ahead = ReadAhead(_READ_AHEAD, options.fetch_max_bytes)
        self._fresh: set[TopicPartition] = set()
        self._paused = False
        self._holds = False  # kafka-python is paused, since enough is fetched
        self._tended_at = 0.0
        self._health = Health(topics.names, self._client.refusal)
        self._commits = Commits(
            options.consumer_group, self._partitions, lambda: self._consumer, self._evicted
        )
        self._watch = Watch(self._commits, self._partitions, self._live, lambda: self._paused)

    def start(self, events: SourceEvents) -> None:
        self._consumer = self._connect()
        self._events = events
        options = self._options
        self._join_at = time.time()
        if options.startup_align_enabled:
            self._join_at = aligned_time(
                self._join_at,
                options.startup_min_wait_seconds,
                options.startup_align_interval_seconds,
            )
            log.info('join_aligned', wait_seconds=round(self._join_at - time.time(), 1))
        self._watch.start()

    def _live(self) -> GroupConsumer:
        """Return the consumer. Raises SourceError where there is none at the moment."""
        if self._consumer is None:
            raise SourceError('not connected to Kafka')
        return self._consumer

    def _connect(self) -> GroupConsumer:
        return self._client.consumer(
            GroupConsumer, hold=self._is_draining, **consumer_settings(self._options)
        )

    # Reading

    def poll(self, max_messages: int, timeout: float) -> list[SourceMessage]:
        deadline = monotonic() + timeout
        while self._events is not None:
            remaining = max(0.0, deadline - monotonic())
            if not self._joins(remaining):
                return []
            if self._paused:
                self._tend(0.0 if self._settled else _JOIN_SECONDS)
                return []
            if not self._ahead or monotonic() - self._tended_at > _TEND_SECONDS:
                self._tend(0.0 if self._ahead and self._settled else self._patience(remaining))
            elif self._live().in_doubt:
                gevent.sleep(min(remaining, _DOUBT_SECONDS))
            if self._ahead and not self._paused and not self._live().in_doubt:
                return self._ahead.take(max_messages)
            if monotonic() >= deadline:
                break
        return []

    def _patience(self, remaining: float) -> float:
        return min(remaining, _TEND_SECONDS) if self._settled else _JOIN_SECONDS

    @property
    def _settled(self) -> bool:
        return self._consumer is not None and self._consumer.settled

    def _joins(self, timeout: float) -> bool:
        """Subscribe when it is time; return whether that is done, after `timeout` at the latest."""
        if self._consumer is None or self._consumer.broken:
            self._reconnect()
        elif self._join_at is not None:
            wait = self._join_at - time.time()
            if wait > 0:
                gevent.sleep(min(wait, timeout))
            if self._join_at > time.time() or self._events is None:
                return False
            self._subscribe()
        return self._events is not None

    def _subscribe(self) -> None:
        self._join_at = None
        consumer, listener = self._live(), _Listener(self)
        if self._topics.pattern:
            consumer.subscribe(pattern=self._topics.expression(), listener=listener)
        else:
            consumer.subscribe(list(self._topics.names), listener=listener)
        # A leader that does not know the partitions yet would assign none and need another round.
        consumer.refresh_metadata(_METADATA_SECONDS)

    def _reconnect(self) -> None:
        """Begin anew with another consumer: this one can not recover."""
        log.warning('consumer_replaced')
        old, self._consumer = self._consumer, None
        if old is not None:
            _close(old)
        self.lost(self._partitions.all())
        self._holds = False
        try:
            fresh = self._connect()
        except ConnectError as error:
            raise SourceError(str(error)) from error
        if self._events is None:  # closed meanwhile
            _close(fresh)
            return
        self._consumer = fresh
        self._subscribe()

    def _tend(self, timeout: float) -> None:
        """Let kafka-python look after group and fetches, and take over what it has fetched."""
        consumer = self._live()
        self._give_up_overdue()
        self._hold(consumer, self._ahead.full)
        try:
            records = self._fetched(consumer, timeout)
        except Exception as error:
            if self._events is None:  # closed meanwhile
                return
            raise SourceError(f'{self._options.consumer_group}: {error}') from error
        if self._events is None:
            return
        self._tended_at = monotonic()
        if self._fresh:
            self._note_starts(consumer, records)
        self._ahead.put(records)
        problem = self._health.problem(consumer, self._tended_at, bool(records))
        if problem:
            raise SourceError(problem)

    @staticmethod
    def _fetched(consumer: GroupConsumer, timeout: float) -> Mapping[Any, Sequence[Any]]:
        """Poll kafka-python. Brokers that are away bring nothing: for how long, Health tells."""
        try:
            records: Mapping[Any, Sequence[Any]] = consumer.poll(timeout * 1000, _READ_AHEAD)
        except KafkaConnectionError:  # sometimes they bring this
            if consumer.coordinator_known:
                raise
            gevent.sleep(_TEND_SECONDS)
            return {}
        return records

    def _note_starts(self, consumer: GroupConsumer, records: Mapping[Any, Sequence[Any]]) -> None:
        starts = {}
        for partition in self._fresh:
            batch = records.get(partition)
            offset = batch[0].offset if batch else consumer.next_offset(KafkaPartition(*partition))
            if offset is not None:
                starts[partition] = offset
        self._fresh -= starts.keys()
        self._partitions.starts(starts)
        if self._options.auto_offset_reset == 'latest' and starts:
            self._commits.begin_at(starts)
            self._watch.soon()

    def _hold(self, consumer: GroupConsumer, holds: bool) -> None:
        if holds and not self._holds:
            consumer.pause(*consumer.assignment())
        elif self._holds and not holds:
            consumer.resume(*consumer.paused())
        self._holds = holds

    def pause(self) -> None:
        # Fetching goes on until the read-ahead is full: to ask for messages only when they are
        # wanted again would cost a broker's answer each time.
        self._paused = True

    def resume(self) -> None:
        self._paused = False

    # The group's events, told by kafka-python's IO greenlet

    def assigned(self, partitions: Iterable[TopicPartition]) -> None:
        gained = sorted(partitions)
        self._partitions.gain(gained)
        self._ahead.drop(gained)
        self._fresh.update(gained)
        if self._holds and self._consumer is not None:
            self._consumer.pause(*(KafkaPartition(*p) for p in gained))
        if self._paused:
            self._watch.soon()
        if self._events is not None and gained:
            self._events.assigned(gained)

    def revoked(self, partitions: Iterable[TopicPartition]) -> None:
        leaving = sorted(partitions)
        if self._events is None:  # closing: the drain is over
            return
        limit = self._options.max_poll_interval_ms / 1000 / 2
        self._partitions.revoke(leaving, monotonic() + limit)
        self._leave(leaving)
        self._events.revoked(leaving)

    def lost(self, partitions: Iterable[TopicPartition]) -> None:
        leaving = sorted({*partitions, *self._partitions.draining})
        self._partitions.forget(leaving)
        self._leave(leaving)
        if self._events is not None and leaving:
            self._events.lost(leaving)

    def _leave(self, partitions: Sequence[TopicPartition]) -> None:
        self._ahead.drop(partitions)
        self._fresh.difference_update(partitions)
        self._commits.forget(partitions)

    def _is_draining(self) -> bool:
        return bool(self._partitions.draining)

    def _give_up_overdue(self) -> None:
        """Stop holding the group up for a drain that does not end."""
        overdue = self._partitions.overdue(monotonic())
        if overdue and self._events is not None:
            log.warning('drain_overdue', partitions=[str(p) for p in overdue])
            self._partitions.forget(overdue)
            self._events.lost(overdue)

    def release(self, partitions: Sequence[TopicPartition]) -> None:
        self._partitions.forget(p for p in partitions if p in self._partitions.draining)

    # Offsets

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        self._commits.commit(offsets)

    def _evicted(self, partitions: Sequence[TopicPartition]) -> None:
        self._partitions.forget(partitions)
        self._leave(partitions)

    def positions(self) -> Mapping[TopicPartition, tuple[int | None, int | None]]:
        return {
            partition: (self._partitions.committed.get(partition), self._high(partition))
            for partition in self._partitions.all()
        }

    def _high(self, partition: TopicPartition) -> int | None:
        try:
            high = self._live().highwater(KafkaPartition(*partition))
        except (IllegalStateError, SourceError):
            high = None  # revoked, or no consumer at the moment
        return self._partitions.reaches(partition, high)

    def problem(self) -> str:
        if self._consumer is None and self._events is not None:
            return 'not connected to Kafka'
        return self._health.current

    def close(self) -> None:
        consumer, self._consumer, self._events = self._consumer, None, None
        self._watch.close()
        if consumer is not None:
            _close(consumer)


def _close(consumer: GroupConsumer) -> None:
    try:
        consumer.close(autocommit=False, timeout_ms=_CLOSE_SECONDS * 1000)
    except Exception as error:
        # The group finds out by itself; nothing is lost by it.
        log.warning('leave_failed', error=str(error))


class _Listener(ConsumerRebalanceListener):
    """Passes kafka-python's events on, with partitions as Drakkar names them."""

    def __init__(self, source: KafkaSource) -> None:
        self._source = source

    def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        self._source.assigned(TopicPartition(*p) for p in assigned)

    def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        self._source.revoked(TopicPartition(*p) for p in revoked)

    def on_partitions_lost(self, lost: Iterable[Any]) -> None:
        self._source.lost(TopicPartition(*p) for p in lost)
