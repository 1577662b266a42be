"""Payloads/s into MongoDB: the whole lane of the sink beside bare pymongo with the same batches.

python -m gevent.monkey --module integration.bench.sinks.mongo
"""

from __future__ import annotations

import sys
from typing import Any

import pymongo

from drakkar_sink_mongo import MongoOptions, MongoPayload
from drakkar_sink_mongo.sink import MongoSink
from integration.bench.sinks import lane
from integration.servers.mongo import Mongo

# What a lane makes of payloads that wait: the default of `batch_max`.
BATCH = 500


def run(count: int = 10_000, rounds: int = 7) -> dict[str, Any]:
    """Insert `count` documents each way, in turn, `rounds` times; return median rates and ratio.

    Needs an interpreter that gevent has patched. Bare pymongo inserts batches of 500, not
    ordered. Where SecantusDB stands in for MongoDB, nearly all of the time is the server's.
    """
    rows = [{'pattern': f'pattern {n}', 'lines': n, 'ok': True} for n in range(count)]
    with Mongo() as server, pymongo.MongoClient[dict[str, Any]](server.dsn) as client:

        def checked(spent: lane.Cost) -> lane.Cost:
            written = client.bench.rows.count_documents({})
            if written != count:
                raise RuntimeError(f'{written} of {count} documents')
            client.bench.rows.drop()
            return spent

        return lane.compare(
            f'MongoDB sink ({server.kind})',
            count,
            rounds,
            lambda: checked(_bare(server.dsn, rows)),
            lambda: checked(_product(server.dsn, rows)),
        )


def _bare(uri: str, rows: list[dict[str, Any]]) -> lane.Cost:
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        client.admin.command('ping')
        collection = client.bench.rows
        cost = lane.stopwatch()
        for start in range(0, len(rows), BATCH):
            # Copies, for pymongo adds the _id to what it is given.
            batch = [dict(row) for row in rows[start : start + BATCH]]
            collection.insert_many(batch, ordered=False)
        return cost()


def _product(uri: str, rows: list[dict[str, Any]]) -> lane.Cost:
    sink = MongoSink('main', MongoOptions().load({'uri': uri, 'database': 'bench'}))
    return lane.through_lane('mongo', sink, [MongoPayload('rows', row) for row in rows])


if __name__ == '__main__':
    lane.show(run(*(int(argument) for argument in sys.argv[1:])), 'bare pymongo')
