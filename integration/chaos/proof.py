"""The proof: every request that was produced is on every route, or its dead letter says why not."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import psycopg2
import pymongo

from drakkar.envelope import Envelope, parse
from integration.chaos import brokers
from integration.infra import topics
from integration.stack.plan import DATABASE, postgres_dsn

Place = tuple[int, int]  # partition, offset of the source topic


@dataclass
class Proof:
    """What came out. `missing` must be 0 everywhere; duplicates are what an outage may cost.

    All by route: `kafka`, `postgres` and `mongo` of the main cluster, `counts` of the fast one.
    """

    produced: int
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
        return self.produced > 0 and not any(self.missing.values())


def prove(at: Mapping[str, str]) -> Proof:
    """Read all routes; `at` has HOST:PORT of `kafka`, `postgres` and `mongo`."""
    requests = {
        (record.partition, record.offset): str(json.loads(record.value)['request_id'])
        for record in brokers.records(at['kafka'], topics.REQUESTS)
    }
    letters = [parse(r.value) for r in brokers.records(at['kafka'], topics.DEAD_LETTERS)]
    places: dict[str, list[Place]] = defaultdict(list)
    for place, request in requests.items():
        places[request].append(place)
    proof = Proof(len(requests), len(requests) - len(places), dead_letters=len(letters))
    routes = {
        'kafka': _results(at['kafka']),
        'postgres': _rows(postgres_dsn(at)),
        'mongo': _documents(f'mongodb://{at["mongo"]}/'),
    }
    for route, found in routes.items():
        enter(proof, route, arrivals(found, places), requests, letters)
    enter(proof, 'counts', Counter(_counts(at['kafka'])), requests, letters)
    return proof


def arrivals(found: Iterable[str], places: Mapping[str, Sequence[Place]]) -> Counter[Place]:
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
    requests: Mapping[Place, str],
    letters: Iterable[Envelope],
) -> None:
    """Count one route."""
    excused = {_place(letter) for letter in letters if _about(letter, route)}
    missing = [place for place in requests if place not in arrived and place not in excused]
    proof.arrived[route] = len(arrived)
    proof.missing[route] = len(missing)
    proof.duplicates[route] = arrived.total() - len(arrived)
    proof.examples[route] = [f'{requests[place]} at {place}' for place in sorted(missing)[:5]]


def _about(letter: Envelope, route: str) -> bool:
    """Return whether a letter excuses a message from a route: its cluster's, and its sink's."""
    sink = letter.sink
    if (letter.worker.startswith('fast-')) != (route == 'counts'):
        return False
    return sink is None or route == 'counts' or sink.type == route


def _place(letter: Envelope) -> Place:
    return letter.message.partition, letter.message.offset


def _results(address: str) -> Iterable[str]:
    for record in brokers.records(address, topics.RESULTS):
        yield from json.loads(record.value)['request_ids']


def _counts(address: str) -> Iterable[Place]:
    for record in brokers.records(address, topics.COUNTS):
        count = json.loads(record.value)
        yield count['partition'], count['offset']


def _rows(dsn: str) -> Iterable[str]:
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute('SELECT request_id FROM search_results')
        return [request_id for (request_id,) in cursor.fetchall()]


def _documents(uri: str) -> Iterable[str]:
    with closing(pymongo.MongoClient[Any](uri)) as client:
        archive = client[DATABASE]['search_archive']
        return [document['request_id'] for document in archive.find({}, {'request_id': 1})]
