"""The books are read from real servers, each route for itself."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pymongo
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from drakkar.envelope import encode
from drakkar.models.delivery import DeadLetter, SinkRef
from drakkar.models.message import SourceMessage
from integration.chaos.proof import prove
from integration.infra import brokers, topics
from integration.infra.requests import search_requests
from integration.servers.kafka import Kafka, KafkaAddress
from integration.servers.mongo import Mongo
from integration.servers.postgres import Postgres
from integration.stack.plan import DATABASE

_SCHEMA = Path(topics.__file__).with_name('schema.sql')
_COLUMNS = ('request_id', 'pattern', 'path')


class Books:
    """What a run of six requests leaves, in two partitions of each topic."""

    def __init__(self, kafka: KafkaAddress, postgres: Postgres, mongo: Mongo) -> None:
        self.at = {'kafka': kafka.address, 'postgres': postgres.address, 'mongo': mongo.address}
        self._producer = KafkaProducer(bootstrap_servers=kafka.address, acks='all')
        self._postgres = postgres
        self.archive: Any = pymongo.MongoClient(f'mongodb://{self.at["mongo"]}/')
        self.requests = list(itertools.islice(search_requests(1, 0, range(1), range(1, 3)), 6))
        for name in ('pattern', 'file_path'):
            self.requests[5][name] = self.requests[4][name]
        self.places = [(n % 2, n // 2) for n in range(6)]

    def produce(self) -> None:
        for number, request in enumerate(self.requests):
            self.write(topics.REQUESTS, request, number % 2)

    def close(self) -> None:
        self.archive.drop_database(DATABASE)
        self.archive.close()
        self._producer.close()

    def write(self, topic: str, content: Any, partition: int = 0) -> None:
        value = content if isinstance(content, bytes) else json.dumps(content).encode()
        self._producer.send(topic, value, partition=partition).get(timeout=30)

    def found(self, number: int) -> dict[str, Any]:
        request = self.requests[number]
        names = ('request_id', 'pattern', 'file_path')
        return dict(zip(_COLUMNS, (request[name] for name in names), strict=True))

    def arrives(self, route: str, number: int) -> None:
        """Write what the workers write for a request; the last two share a search."""
        found = self.found(number)
        if route == 'kafka':
            ids = [self.found(n)['request_id'] for n in ((4, 5) if number > 3 else (number,))]
            if number != 5:
                self.write(topics.RESULTS, {**found, 'request_ids': ids}, number % 2)
        elif route == 'counts':
            partition, offset = self.places[number]
            self.write(topics.COUNTS, {'partition': partition, 'offset': offset}, number % 2)
        elif route == 'mongo':
            self.archive[DATABASE]['search_archive'].insert_one(found)
        else:
            values = ', '.join(f'$v${found[name]}$v$' for name in _COLUMNS)
            self._postgres.execute(
                f'INSERT INTO search_results VALUES ({values}, 1, 0, 0, 0)', DATABASE
            )

    def letter(self, number: int, sink: str, worker: str = 'worker-1') -> None:
        partition, offset = self.places[number]
        message = SourceMessage(topics.REQUESTS, partition, offset, b'{}')
        about = SinkRef(sink, 'x') if sink else None
        letter = DeadLetter(message, 'deliver', '', sink=about, worker=worker)
        self.write(topics.DEAD_LETTERS, encode(letter))


@pytest.fixture
def books(
    kafka: KafkaAddress,
    postgres: Postgres,
    mongo: Mongo,
    unique_name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Books]:
    for name in ('REQUESTS', 'RESULTS', 'DEAD_LETTERS', 'COUNTS'):
        topic = f'{unique_name}_{name}'
        monkeypatch.setattr(topics, name, topic)
        kafka.create_topic(topic, 2)
    postgres.execute(f'CREATE DATABASE {DATABASE}')
    try:
        postgres.execute(_SCHEMA.read_text(), DATABASE)
        with closing(Books(kafka, postgres, mongo)) as found:
            found.produce()
            yield found
    finally:
        postgres.drop_database(DATABASE)


ROUTES = ('kafka', 'postgres', 'mongo', 'counts')


def test_each_route_is_read_for_itself(books: Books) -> None:
    for missing, route in enumerate(ROUTES):
        for number in range(6):
            if number != missing:
                books.arrives(route, number)
    books.arrives('kafka', 4)
    proof = prove(books.at, total=7)
    assert (proof.produced, proof.repeated, proof.unsent, proof.dead_letters) == (6, 0, 1, 0)
    assert proof.missing == dict.fromkeys(ROUTES, 1)
    assert proof.arrived == dict.fromkeys(ROUTES, 5)
    assert proof.duplicates == {'kafka': 2, 'postgres': 0, 'mongo': 0, 'counts': 0}
    assert proof.examples == {
        route: [f'r-{n + 1:05d} at {books.places[n]}'] for n, route in enumerate(ROUTES)
    }
    for number, route in enumerate(ROUTES):
        worker = 'fast-worker-1' if route == 'counts' else 'worker-1'
        books.letter(number, 'kafka' if route == 'counts' else route, worker)
    proof = prove(books.at, total=6)
    assert proof.missing == dict.fromkeys(ROUTES, 0)
    assert (proof.unsent, proof.dead_letters) == (0, 4)
    assert proof.lost_nothing


def test_a_message_of_another_kind_can_only_have_a_dead_letter(books: Books) -> None:
    for route, number in itertools.product(ROUTES, range(6)):
        books.arrives(route, number)
    books.write(topics.REQUESTS, b'no request', 1)
    books.write(topics.REQUESTS, {}, 1)
    proof = prove(books.at)
    assert (proof.produced, proof.missing) == (8, dict.fromkeys(ROUTES, 2))
    assert proof.examples['mongo'][1] == 'no request of the producer at (1, 4)'


def test_a_request_that_was_produced_again_is_told(books: Books) -> None:
    for route, number in itertools.product(ROUTES, range(6)):
        books.arrives(route, number)
    books.write(topics.REQUESTS, books.requests[0], 1)
    books.write(topics.REQUESTS, books.requests[1] | {'pattern': 'other'}, 1)
    proof = prove(books.at)
    assert (proof.produced, proof.repeated) == (8, 1)
    assert proof.missing == dict.fromkeys(ROUTES, 1) | {'counts': 2}


def offsets(address: str, topic: str) -> list[tuple[int, int]]:
    return sorted((record.partition, record.offset) for record in brokers.records(address, topic))


def test_a_topic_is_read_to_where_it_ended_in_every_partition(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late(KafkaConsumer):
        """Records come while the topic is read."""

        def end_offsets(self, partitions: Any) -> Any:
            found = super().end_offsets(partitions)
            for number in range(10):
                books.write(topics.REQUESTS, {}, number % 2)
            return found

    monkeypatch.setattr(brokers, 'KafkaConsumer', Late)
    assert offsets(books.at['kafka'], topics.REQUESTS) == sorted(books.places)
    books.arrives('kafka', 1)
    assert offsets(books.at['kafka'], topics.RESULTS) == [(1, 0)]


def test_records_that_are_kept_no_longer_are_missed(
    apache_kafka: Kafka, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(KafkaAdminClient(bootstrap_servers=apache_kafka.address)) as admin:
        admin.delete_records({TopicPartition(topics.REQUESTS, 1): 2})
    monkeypatch.setattr(brokers, '_READ_SECONDS', 4)  # what is there comes within
    with pytest.raises(TimeoutError, match=f'{topics.REQUESTS}: 2 records did not come'):
        prove(books.at)


def test_progress_is_that_of_one_topic(books: Books, unique_name: str) -> None:
    def at(offset: int) -> OffsetAndMetadata:
        return OffsetAndMetadata(offset, '', -1)

    ends = brokers.end_offsets(books.at['kafka'], topics.REQUESTS)
    assert {place.partition: end for place, end in ends.items()} == {0: 3, 1: 3}
    group = {'group_id': unique_name, 'enable_auto_commit': False}
    with closing(KafkaConsumer(bootstrap_servers=books.at['kafka'], **group)) as consumer:
        consumer.commit(
            {
                TopicPartition(topics.REQUESTS, 0): at(3),
                TopicPartition(topics.REQUESTS, 1): at(1),
                TopicPartition(topics.RESULTS, 0): at(7),
            }
        )
    assert brokers.committed(books.at['kafka'], unique_name, topics.REQUESTS) == 4
    assert brokers.committed(books.at['kafka'], f'{unique_name}_2', topics.REQUESTS) == 0
