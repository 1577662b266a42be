"""The servers, the topics and the workers of a soak."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from kafka import KafkaProducer

from integration.infra import brokers
from integration.infra.workers import Workers
from integration.servers.http_echo import HttpEcho
from integration.servers.kafka import Kafka
from integration.servers.mongo import Mongo
from integration.servers.postgres import Postgres
from integration.servers.redis import Redis

PARTITIONS = 50
_POLL_SECONDS = 0.2
# Longer than the broker may take to restart.
_SEND_SECONDS = 300


class Rig:
    """Owns everything it started; a context manager that ends it all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.topic = f'soak-{os.getpid()}'
        self.sent = 0
        self._refused: list[Exception] = []
        self.workers = Workers(folder / 'drakkar.ini')
        self._stack = ExitStack()

    def __enter__(self) -> Rig:
        with self._stack:
            enter = self._stack.enter_context
            self.kafka = enter(Kafka())
            self.postgres = enter(Postgres())
            self.redis = enter(Redis())
            self.mongo = enter(Mongo())
            self.http = enter(HttpEcho())
            self._prepare()
            self._stack.callback(self.workers.close)
            self._keep = self._stack.pop_all()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._keep.close()

    def _prepare(self) -> None:
        for topic in (self.topic, f'{self.topic}-results', f'{self.topic}_dlq'):
            self.kafka.create_topic(topic, PARTITIONS)
        database = self.postgres.create_database()
        self.database = database.rpartition('/')[2]
        self.postgres.execute('CREATE TABLE results (id bigint PRIMARY KEY)', self.database)
        template = Path(__file__).with_name('soak.ini').read_text()
        (self.folder / 'drakkar.ini').write_text(
            template.format(
                kafka=self.kafka.address,
                topic=self.topic,
                postgres=self.postgres.url(self.database),
                mongo=self.mongo.dsn,
                database='soak',
                redis=self.redis.dsn,
                http=self.http.dsn,
                folder=self.folder,
            )
        )
        self._producer = KafkaProducer(
            bootstrap_servers=self.kafka.address,
            acks='all',
            delivery_timeout_ms=_SEND_SECONDS * 1000,
        )
        self._stack.callback(self._producer.close)

    def produce(self, count: int) -> None:
        """Queue messages to be sent; the client sends them in the background."""
        for number in range(self.sent, self.sent + count):
            sending = self._producer.send(self.topic, b'{"id":%d}' % number, key=b'%d' % number)
            sending.add_errback(self._refused.append)
        self.sent += count

    def flush(self) -> None:
        """Wait until all is sent. Raises RuntimeError where the broker did not store all of it."""
        self._producer.flush(timeout=_SEND_SECONDS)
        if self._refused:
            raise RuntimeError(f'{len(self._refused)} messages not sent: {self._refused[0]!r}')

    def produced_to(self, topic: str) -> int:
        """Return how many messages a topic holds."""
        return sum(brokers.end_offsets(self.kafka.address, topic).values())

    def uncommitted(self) -> int:
        """Return how many messages of the source topic the group has not committed."""
        produced = self.produced_to(self.topic)
        return produced - brokers.committed(self.kafka.address, self.topic, self.topic)


def wait_for(condition: Callable[[], object], timeout: float, what: str) -> None:
    """Wait until `condition()` holds; errors of servers that are away do not end it.

    Raises TimeoutError.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            if condition():
                return
            error: Exception | None = None
        except Exception as raised:
            error = raised
        if time.monotonic() > deadline:
            raise TimeoutError(f'{what}: not within {timeout} s') from error
        time.sleep(_POLL_SECONDS)
