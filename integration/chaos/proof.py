"""The proof: every request that was produced is on every route, or its dead letter says why not."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg2
import pymongo
from kafka.errors import KafkaError
from pymongo.errors import PyMongoError

from drakkar.envelope import Envelope, parse
from integration.infra import brokers, topics
from integration.infra.requests import request_id
from integration.stack.plan import DATABASE, postgres_dsn

Place = tuple[int, int]  # partition, offset of the source topic

UNREADABLE = (KafkaError, psycopg2.Error, PyMongoError, OSError)
"""What is raised where a route can not be read."""


class Request(NamedTuple):
    """What all routes of the main cluster know of a message."""

    id: str
    pattern: str
    path: str


@dataclass
class Proof:
    """What came out. `missing` must be 0 everywhere; duplicates are what an outage may cost.

    All by route: `kafka`, `postgres` and `mongo` of the main cluster, `counts` of the fast one.
    """

    produced: int
    unsent: int = 0
    """Requests of the producer that are not in the topic."""
    repeated: int = 0
    """Messages whose request was produced before, as a second producer with the same seed does:
    where one has arrived, the other counts as arrived too."""
    missing: dict[str, int] = field(default_factory=dict)
    arrived: dict[str, int] = field(default_factory=dict)
    duplicates: dict[str, int] = field(default_factory=dict)
    dead_letters: int = 0
    examples: dict[str, list[str]] = field(default_factory=dict)

    @property
    def lost_nothing(self) -> bool:
        return self.produced > 0 and not self.unsent and not any(self.missing.values())


def prove(at: Mapping[str, str], total: int = 0) -> Proof:
    """Read all routes. Raises TimeoutError, UNREADABLE.

    Args:
        at: HOST:PORT of `kafka`, `postgres` and `mongo`.
        total: how many requests of the producer the topic must hold.
    """
    requests = {
        (record.partition, record.offset): _request(record.value)
        for record in brokers.records(at['kafka'], topics.REQUESTS)
    }
    letters = [parse(r.value) for r in brokers.records(at['kafka'], topics.DEAD_LETTERS)]
    places: dict[Request, list[Place]] = defaultdict(list)
    for place, request in requests.items():
        places[request].append(place)
    proof = Proof(
        len(requests),
        unsent=len({request_id(n + 1) for n in range(total)} - {found.id for found in places}),
        repeated=len(requests) - len(places),
        dead_letters=len(letters),
    )
    routes = {
        'kafka': _results(at['kafka']),
        'postgres': _rows(postgres_dsn(at)),
        'mongo': _documents(f'mongodb://{at["mongo"]}/'),
    }
    for route, found in routes.items():
        enter(proof, route, arrivals(found, places), requests, letters)
    enter(proof, 'counts', Counter(_counts(at['kafka'])), requests, letters)
    return proof


def arrivals(found: Iterable[Request], places: Mapping[Request, Sequence[Place]]) -> Counter[Place]:
    """Return how often each message arrived, for a route that knows only the requests."""
    arrived: Counter[Place] = Counter()
    for request, times in Counter(found).items():
        for place in places.get(request, ()):
            arrived[place] = 1
        if request in places:
            arrived[places[request][0]] += max(0, times - len(places[request]))
    return arrived


def enter(
    proof: Proof,
    route: str,
    arrived: Counter[Place],
    requests: Mapping[Place, Request],
    letters: Iterable[Envelope],
) -> None:
    """Count one route."""
    excused = {_place(letter) for letter in letters if _about(letter, route)}
    missing = [place for place in requests if place not in arrived and place not in excused]
    proof.arrived[route] = len(arrived)
    proof.missing[route] = len(missing)
    proof.duplicates[route] = arrived.total() - len(arrived)
    proof.examples[route] = [f'{requests[place].id} at {place}' for place in sorted(missing)[:5]]


def _about(letter: Envelope, route: str) -> bool:
    """Return whether a letter excuses a message from a route: its cluster's, and its sink's."""
    if letter.message.topic != topics.REQUESTS:
        return False
    sink = letter.sink
    if (letter.worker.startswith('fast-')) != (route == 'counts'):
        return False
    return sink is None or route == 'counts' or sink.type == route


def _place(letter: Envelope) -> Place:
    return letter.message.partition, letter.message.offset


def _request(value: bytes | None) -> Request:
    """Read a message. One that is not of the producer's kind can only have a dead letter."""
    try:
        asked = json.loads(value or b'')
        return Request(*(str(asked[name]) for name in ('request_id', 'pattern', 'file_path')))
    except (ValueError, KeyError, TypeError):
        return Request('no request of the producer', '', '')


def _results(address: str) -> Iterable[Request]:
    for record in brokers.records(address, topics.RESULTS):
        result = json.loads(record.value)
        for asker in result['request_ids']:
            yield Request(asker, result['pattern'], result['path'])


def _counts(address: str) -> Iterable[Place]:
    for record in brokers.records(address, topics.COUNTS):
        count = json.loads(record.value)
        yield count['partition'], count['offset']


def _rows(dsn: str) -> Iterable[Request]:
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute('SELECT request_id, pattern, path FROM search_results')
        return [Request(*row) for row in cursor.fetchall()]


def _documents(uri: str) -> Iterable[Request]:
    fields = ('request_id', 'pattern', 'path')
    with closing(pymongo.MongoClient[Any](uri)) as client:
        archive = client[DATABASE]['search_archive']
        return [Request(*(found[name] for name in fields)) for found in archive.find({}, fields)]
