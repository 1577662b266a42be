"""Reads the dead letter topics of Kafka: `drakkar dlq`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from drakkar.contracts.source import DeadLetterReader, StoredLetter, StreamEnd
from drakkar.errors import SourceError
from drakkar.kafka_client import KafkaClient
from drakkar.source.kafka.topics import DLQ_SUFFIX, Topics

_POLL_MS = 500
# Letters in memory at a time, of which some may have megabytes.
_POLL_RECORDS = 50
_FETCH_BYTES = 8 << 20
# A broker that is away for longer than that ends the reading.
_PATIENCE_SECONDS = 30.0


class KafkaDeadLetterReader(DeadLetterReader):
    """The letters of all dead letter topics of `topics`; each partition is a stream.

    It belongs to no consumer group and commits nothing. A topic that was deleted and
    made anew has a new generation.
    """

    def __init__(self, client: KafkaClient, topics: Topics) -> None:
        self._client = client
        self._topics = topics
        self._admin: KafkaAdminClient | None = None
        self._consumer: KafkaConsumer | None = None

    def connect(self) -> None:
        if self._consumer is not None:
            return
        self._admin = self._client.admin()
        try:
            self._consumer = self._client.consumer(
                KafkaConsumer,
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset='earliest',
                allow_auto_create_topics=False,
                max_poll_records=_POLL_RECORDS,
                max_partition_fetch_bytes=1 << 20,
                fetch_max_bytes=_FETCH_BYTES,
            )
        except BaseException:
            self.close()
            raise

    def ends(self) -> Mapping[str, StreamEnd]:
        with _explained('dead letter topics'):
            generations = self._streams()
            numbers = self._consumer_now.end_offsets(list(generations)) if generations else {}
        return {
            _stream(tp): StreamEnd(numbers[tp], generation)
            for tp, generation in sorted(generations.items())
        }

    def read(self, ends: Mapping[str, StreamEnd]) -> Iterator[StoredLetter]:
        last = {_partition(stream): end.number for stream, end in ends.items()}
        with _explained('dead letter topics'):
            first = self._consumer_now.beginning_offsets(list(last)) if last else {}
        wanted = {tp: end for tp, end in last.items() if first[tp] < end}
        yield from self._between({tp: first[tp] for tp in wanted}, wanted)

    def fetch(self, stream: str, number: int) -> StoredLetter | None:
        topic, _, partition = stream.rpartition(':')
        if not (topic and partition.isascii() and partition.isdigit()):
            return None
        at = TopicPartition(topic, int(partition))
        consumer = self._consumer_now
        with _explained(f'topic {topic}'):
            if at.partition not in consumer.partitions_for_topic(topic):
                return None
            first, end = consumer.beginning_offsets([at])[at], consumer.end_offsets([at])[at]
        if not first <= number < end:
            return None
        return next(self._between({at: number}, {at: number + 1}), None)

    def close(self) -> None:
        consumer, self._consumer = self._consumer, None
        admin, self._admin = self._admin, None
        if consumer is not None:
            consumer.close(autocommit=False)
        if admin is not None:
            admin.close()

    @property
    def _consumer_now(self) -> KafkaConsumer:
        if self._consumer is None:
            raise SourceError('the dead letter topics are not connected')
        return self._consumer

    def _streams(self) -> dict[TopicPartition, str]:
        """Return the partitions that hold dead letters, with the identity of their topic."""
        if self._admin is None:
            raise SourceError('the dead letter topics are not connected')
        names = self._names(self._admin.list_topics())
        described: list[dict[str, Any]] = self._admin.describe_topics(names) if names else []
        return {
            TopicPartition(topic['name'], partition['partition_index']): str(
                topic['topic_id'] or ''
            )
            for topic in described
            for partition in topic['partitions']
        }

    def _names(self, existing: list[str]) -> list[str]:
        if self._topics.dead_letters:
            wanted = {self._topics.dead_letters}
        elif self._topics.pattern:
            sources = [name.removesuffix(DLQ_SUFFIX) for name in existing if _is_dlq(name)]
            wanted = {self._topics.dead_letter_topic(s) for s in sources if self._topics.read(s)}
        else:
            wanted = {self._topics.dead_letter_topic(name) for name in self._topics.names}
        return sorted(wanted.intersection(existing))

    def _between(
        self, first: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
    ) -> Iterator[StoredLetter]:
        """Yield what the partitions hold from `first` to before `ends`."""
        consumer = self._consumer_now
        consumer.assign(list(ends))
        consumer.resume(*ends)  # an earlier reading paused them at their end
        for tp, offset in first.items():
            consumer.seek(tp, offset)
        open_ends = dict(ends)
        heard = monotonic()
        while open_ends:
            with _explained('dead letter topics'):
                polled = consumer.poll(_POLL_MS, max_records=_POLL_RECORDS)
            for tp, records in polled.items():
                for record in records:
                    if record.offset < ends[tp]:
                        yield StoredLetter(_stream(tp), record.offset, record.value)
            if polled:
                heard = monotonic()  # after the letters: who takes them may take its time
            for tp in [tp for tp, end in open_ends.items() if self._passed(tp, end)]:
                del open_ends[tp]
                consumer.pause(tp)
            if monotonic() - heard > _PATIENCE_SECONDS:
                names = ', '.join(sorted(map(_stream, open_ends)))
                raise SourceError(f'{names}: no answer within {_PATIENCE_SECONDS:g} s')

    def _passed(self, tp: TopicPartition, end: int) -> bool:
        # Not the offset of a record: the last ones may be compacted away, or markers of
        # transactions, which are never handed over.
        with _explained(f'topic {tp.topic}'):
            position = self._consumer_now.position(tp, timeout_ms=1000)
        return position is not None and position >= end


def _is_dlq(name: str) -> bool:
    return name.endswith(DLQ_SUFFIX)


def _stream(partition: TopicPartition) -> str:
    return f'{partition.topic}:{partition.partition}'


def _partition(stream: str) -> TopicPartition:
    topic, _, partition = stream.rpartition(':')
    return TopicPartition(topic, int(partition))


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except KafkaError as error:
        raise SourceError(f'{what}: {error}') from error
