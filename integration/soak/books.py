"""The books: what arrived on each route, what is in the dead letter queue, what is missing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any

import psycopg2
import pymongo
import redis

from drakkar.envelope import Envelope, parse
from integration.infra import brokers
from integration.soak.rig import Rig


@dataclass
class Report:
    """What came out. Nothing may be missing; duplicates are what failures may cost."""

    seed: int
    messages: int
    seconds: float
    missing: dict[str, int] = field(default_factory=dict)
    duplicates: dict[str, int] = field(default_factory=dict)
    dead_letters: dict[str, int] = field(default_factory=dict)
    uncommitted: int = 0
    exit_codes: dict[str, int] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)

    @property
    def lost_nothing(self) -> bool:
        left = [*self.missing.values(), self.uncommitted, *self.exit_codes.values()]
        return not any(left)

    def plain(self) -> dict[str, Any]:
        return {**asdict(self), 'lost_nothing': self.lost_nothing}


def read_books(rig: Rig, report: Report) -> Report:
    """Count every route: a message has arrived, or its dead letter says why not."""
    arrived = {
        'kafka': Counter(_kafka_ids(rig, f'{rig.topic}-results')),
        'postgres': Counter(_postgres_ids(rig)),
        'mongo': Counter(_mongo_ids(rig)),
        'redis': Counter(_redis_ids(rig)),
        'http': Counter(_http_ids(rig)),
    }
    letters = list(_dead_letters(rig))
    report.dead_letters = dict(Counter(_route(letter) for letter in letters))
    for route, ids in arrived.items():
        excused = {_id(x) for x in letters if _route(x) in (route, '')}
        report.missing[route] = sum(
            1 for number in range(rig.sent) if number not in ids and number not in excused
        )
        report.duplicates[route] = sum(count - 1 for count in ids.values())
    report.uncommitted = rig.uncommitted()
    return report


def _kafka_ids(rig: Rig, topic: str) -> Iterable[int]:
    return (json.loads(r.value)['id'] for r in brokers.records(rig.kafka.address, topic))


def _postgres_ids(rig: Rig) -> Iterable[int]:
    url = rig.postgres.url(rig.database)
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute('SELECT id FROM results')
        return [number for (number,) in cursor.fetchall()]


def _mongo_ids(rig: Rig) -> Iterable[int]:
    with closing(pymongo.MongoClient[Any](rig.mongo.dsn)) as client:
        return [document['_id'] for document in client['soak']['results'].find({})]


def _redis_ids(rig: Rig) -> Iterable[int]:
    with closing(redis.Redis.from_url(rig.redis.dsn)) as client:
        return [int(key.rpartition(b':')[2]) for key in client.scan_iter(count=5000)]


def _http_ids(rig: Rig) -> Iterable[int]:
    return [r.json()['id'] for r in rig.http.requests('/results') if r.outcome == 200]


def _dead_letters(rig: Rig) -> Iterable[Envelope]:
    return (parse(r.value) for r in brokers.records(rig.kafka.address, f'{rig.topic}_dlq'))


def _route(letter: Envelope) -> str:
    """Return the sink type a letter is about, empty where it is about the whole message."""
    return letter.sink.type if letter.sink else ''


def _id(letter: Envelope) -> int:
    return int(json.loads(letter.message.value or b'{}')['id'])
