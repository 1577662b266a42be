"""A Kafka source under test, and around it a topic, a producer, other members."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import gevent
from gevent.event import Event
from kafka.admin import MemberToRemove
from kafka.errors import KafkaError

from drakkar.contracts.source import ProducerRecord
from drakkar.greenlets import NamedGreenlet
from drakkar.kafka_client import KafkaClient
from drakkar.models.message import SourceMessage, TopicPartition
from drakkar.source.kafka.options import KafkaOptions
from drakkar.source.kafka.producer import TopicProducer
from drakkar.source.kafka.source import KafkaSource
from drakkar.source.kafka.topics import Topics
from tests.services.waiting import wait_until
from tests.source.contract import Heard


def load_options(brokers: str, topic: str, **options: Any) -> Any:
    defaults = {
        'brokers': brokers,
        'source_topic': topic,
        'consumer_group': topic,
        'session_timeout_ms': 6000,
        'heartbeat_interval_ms': 200,
    }
    return KafkaOptions().load({k: v for k, v in {**defaults, **options}.items() if v is not None})


def make_source(options: Any, worker: str = 'worker', dead_letters: str = '') -> KafkaSource:
    topics = Topics(options.source_topic, options.source_pattern, dead_letters)
    return KafkaSource(options, topics, worker)


class Member:
    """A source that is polled as a worker polls it, by a greenlet of its own.

    With `drain` (seconds), revoked partitions are committed as far as they were
    read and released after that time; with None never.
    """

    def __init__(self, source: KafkaSource, drain: float | None = 0.0) -> None:
        self.source = source
        self.heard = Heard()
        self.drain = drain
        self.messages: list[SourceMessage] = []
        self.times: list[float] = []
        self.errors: list[Exception] = []
        self.owned: set[int] = set()
        self.events: list[tuple[float, str, set[int]]] = []
        self._drains: list[gevent.Greenlet] = []
        self._awake, self._rests = Event(), Event()
        self._awake.set()
        self._greenlet = NamedGreenlet('member', self._run)

    def start(self) -> Member:
        events = self.heard.events
        events.assigned, events.revoked, events.lost = self._assigned, self._revoked, self._lost
        self.source.start(events)
        self._greenlet.start()
        return self

    def _note(self, what: str, tps: Any) -> set[int]:
        found = {tp.partition for tp in tps}
        self.events.append((time.monotonic(), what, found))
        return found

    def _assigned(self, tps: Any) -> None:
        self.owned |= self._note('assigned', tps)

    def _revoked(self, tps: Any) -> None:
        self.owned -= self._note('revoked', tps)
        if self.drain is not None:
            self._drains.append(gevent.spawn_later(self.drain, self._finish, list(tps)))

    def _finish(self, tps: list[TopicPartition]) -> None:
        try:
            read = self.read()
            self.source.commit({tp: read[tp] for tp in tps if tp in read})
        except Exception as error:
            self.errors.append(error)
        self._note('released', tps)
        self.source.release(tps)

    def _lost(self, tps: Any) -> None:
        self.owned -= self._note('lost', tps)

    def read(self) -> dict[TopicPartition, int]:
        """The next offset of each partition, as far as it was read."""
        return {m.topic_partition: m.offset + 1 for m in self.messages}

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Have nobody poll meanwhile: what the group does is neither told nor answered."""
        self._awake.clear()
        self._rests.wait()
        try:
            yield
        finally:
            self._awake.set()

    def _run(self) -> None:
        while True:
            self._rests.set()
            self._awake.wait()
            self._rests.clear()
            try:
                found = self.source.poll(100, 0.5)
            except Exception as error:
                self.errors.append(error)
                gevent.sleep(0.1)
                continue
            self.messages += found
            self.times += [time.monotonic()] * len(found)

    def values(self) -> list[bytes | None]:
        return [m.value for m in self.messages]

    def when(self, what: str) -> list[float]:
        return [at for at, kind, _ in self.events if kind == what]

    def stop(self) -> None:
        gevent.killall([self._greenlet, *self._drains])
        self.source.close()


class KafkaTown:
    """One topic, its group, and all who were started on it."""

    def __init__(self, brokers: str, topic: str, partitions: int = 4, **options: Any) -> None:
        self.brokers = brokers
        self.topic = topic
        self.partitions = partitions
        self.options = options
        self.client = KafkaClient('kafka', load_options(brokers, topic, **options), 'test')
        self._closing = ExitStack()
        self.make_topic(topic, partitions)
        # The first group of a broker has the topic of all offsets made, which may take a while.
        wait_until(self._is_coordinated, 30)
        self.producer = self.make_producer(topic)

    def make_producer(self, topic: str) -> TopicProducer:
        producer = TopicProducer(self.client, topic)
        producer.connect()
        self._closing.callback(producer.close)
        return producer

    def make_topic(self, topic: str, partitions: int = 4) -> None:
        with self.admin() as admin:
            admin.create_topics(
                {topic: {'num_partitions': partitions, 'replication_factor': -1}},
                wait_for_metadata=True,
            )

    @contextmanager
    def admin(self) -> Iterator[Any]:
        admin = self.client.admin()
        try:
            yield admin
        finally:
            admin.close()

    def source(self, **options: Any) -> KafkaSource:
        known = {'brokers': self.brokers, 'topic': self.topic, **self.options}
        source = make_source(load_options(**{**known, **options}))
        self._closing.callback(source.close)
        return source

    def member(self, drain: float | None = 0.0, **options: Any) -> Member:
        member = Member(self.source(**options), drain)
        self._closing.callback(member.stop)
        return member.start()

    def append(self, value: bytes | None, partition: int = 0, key: bytes | None = None) -> int:
        return self.producer.append_many([ProducerRecord(value, key, partition=partition)])[0][1]

    def committed(self, partition: int = 0, group: str = '') -> int:
        with self.admin() as admin:
            found = admin.list_group_offsets(group or self.topic)[group or self.topic]
        stored = {tuple(tp): offset.offset for tp, offset in found.items()}
        return stored.get((self.topic, partition), 0)

    def _is_coordinated(self) -> bool:
        try:
            self.committed()
        except KafkaError:
            return False
        return True

    def evict(self) -> None:
        """Throw all members out of the group, as the coordinator does after a session timeout."""
        with self.admin() as admin:
            members = admin.describe_groups([self.topic])[self.topic]['members']
            admin.remove_group_members(
                self.topic, [MemberToRemove(m['member_id']) for m in members]
            )

    def close(self) -> None:
        self._closing.close()
