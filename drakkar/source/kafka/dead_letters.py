"""The dead letter queue on Kafka: a topic of envelopes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError, MessageSizeTooLargeError, TopicAlreadyExistsError

from drakkar.contracts.source import DeadLetterQueue
from drakkar.envelope import encode
from drakkar.errors import ConnectError, DeadLetterError
from drakkar.kafka_client import KafkaClient
from drakkar.models.delivery import DeadLetter
from drakkar.source.kafka.topics import Topics

log = structlog.get_logger('drakkar.dlq.kafka')

# An envelope is larger than its message: it has the error, the payloads, and JSON's quoting.
_MAX_BYTES = 64 << 20
_TOPIC_MAX_BYTES = 16 << 20
_SEND_SECONDS = 30.0
_CLOSE_SECONDS = 5.0
_SHORT_TRACEBACK = 2000


class KafkaDeadLetters(DeadLetterQueue):
    """Writes each letter with its message's key, acknowledged by all replicas in sync.

    A topic that does not exist is made. A letter larger than the topic takes goes
    without its payloads; the message in it is always whole. A producer whose send
    failed is given up: its letters must not appear later, behind the next attempt or
    behind a message that was delivered after all.
    """

    def __init__(self, client: KafkaClient, topics: Topics) -> None:
        self._client = client
        self._topics = topics
        self._producer: KafkaProducer | None = None
        self._connected = False
        self._known: set[str] = set()

    def connect(self) -> None:
        self._open()
        try:
            self._make_topics({self._topics.dead_letter_topic(name) for name in self._topics.names})
        except BaseException:
            self.close()
            raise
        self._connected = True

    def _open(self) -> KafkaProducer:
        """Return the producer, a new one where there is none. Raises ConnectError."""
        if self._producer is None:
            milliseconds = int(_SEND_SECONDS * 1000)
            self._producer = self._client.producer(
                # An idempotent one refuses everything for ever after one message that was too
                # large. A letter stored twice after a lost answer does no harm.
                enable_idempotence=False,
                compression_type='gzip',
                max_request_size=_MAX_BYTES,
                allow_auto_create_topics=False,
                max_block_ms=milliseconds,
                delivery_timeout_ms=milliseconds,
                request_timeout_ms=min(
                    self._client.options.request_timeout_ms, milliseconds - 1000
                ),
            )
        return self._producer

    def send(self, letters: Sequence[DeadLetter]) -> None:
        if not self._connected:
            raise DeadLetterError('the dead letter queue is not connected')
        topics = [self._topics.dead_letter_topic(letter.message.topic) for letter in letters]
        pairs = list(zip(topics, letters, strict=True))
        try:
            self._make_topics(topics)
            large = self._write(pairs)
            if large:
                log.warning('letters_shortened', letters=len(large))
                large = self._write([(topic, _shortened(letter)) for topic, letter in large])
        except (KafkaError, ConnectError) as error:
            self._give_up()
            raise DeadLetterError(f'dead letter topic: {error}') from error
        except BaseException:  # out of time, or killed
            self._give_up()
            raise
        if large:
            topic, letter = large[0]
            raise DeadLetterError(
                f'dead letter topic {topic} takes no message as large as the letter of '
                f'{letter.message.topic} {letter.message.label}: raise its max.message.bytes'
            )

    def _write(self, pairs: Sequence[tuple[str, DeadLetter]]) -> list[tuple[str, DeadLetter]]:
        """Write letters; return those that are too large. Raises KafkaError, ConnectError."""
        producer = self._open()
        futures = [
            (topic, letter, producer.send(topic, encode(letter), letter.message.key))
            for topic, letter in pairs
        ]
        producer.flush(timeout=_SEND_SECONDS)
        large = []
        for topic, letter, future in futures:
            try:
                future.get(timeout=_SEND_SECONDS)
            except MessageSizeTooLargeError:
                large.append((topic, letter))
        return large

    def _give_up(self) -> None:
        self._known.clear()  # a topic may have been deleted, which only the next look shows
        producer, self._producer = self._producer, None
        if producer is not None:
            self._client.give_up(producer)

    def _make_topics(self, names: Iterable[str]) -> None:
        """Make the topics that do not exist. Raises DeadLetterError, ConnectError."""
        wanted = set(names) - self._known
        if not wanted:
            return
        admin = self._client.admin()
        try:
            missing = wanted.difference(admin.list_topics())
            for name in sorted(missing):
                self._make(admin, name)
        except KafkaError as error:
            raise DeadLetterError(
                f'dead letter topic {", ".join(sorted(wanted))}: {error}'
            ) from error
        finally:
            admin.close()
        self._known |= wanted

    def _make(self, admin: Any, name: str) -> None:
        configs = {'max.message.bytes': str(_TOPIC_MAX_BYTES)}
        try:
            admin.create_topics({name: {'configs': configs}}, wait_for_metadata=True)
        except TopicAlreadyExistsError:
            return
        log.info('dead_letter_topic_made', topic=name)

    def close(self) -> None:
        self._connected = False
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            producer.close(timeout=_CLOSE_SECONDS)
        except KafkaError:  # a send is under way, which fails with this
            self._client.give_up(producer)


def _shortened(letter: DeadLetter) -> DeadLetter:
    note = f' ({len(letter.payloads)} payloads left out: the letter was too large)'
    return replace(
        letter,
        error=letter.error[:_SHORT_TRACEBACK] + note,
        traceback=letter.traceback[-_SHORT_TRACEBACK:],
        payloads=(),
    )
