"""Payloads/s into Redis: the whole lane of the sink beside bare redis-py with the same batches.

python -m gevent.monkey --module integration.bench.sinks.redis
"""

from __future__ import annotations

import sys
from typing import Any

import redis

from drakkar import jsonio
from drakkar_sink_redis import RedisOptions, RedisPayload
from drakkar_sink_redis.sink import RedisSink
from integration.bench.sinks import lane
from integration.servers.redis import Redis

# What a lane makes of payloads that wait: the default of `batch_max`.
BATCH = 500


def run(count: int = 50_000, rounds: int = 5) -> dict[str, Any]:
    """Set `count` keys each way, in turn, `rounds` times; return the median rates and ratio.

    Needs an interpreter that gevent has patched. Bare redis-py writes the same JSON with the
    same lifetime in pipelines of 500.
    """
    rows = [
        (f'search:{n}', {'pattern': f'pattern {n}', 'lines': n, 'ok': True}) for n in range(count)
    ]
    with Redis() as server, redis.Redis.from_url(server.dsn) as client:

        def checked(spent: lane.Cost) -> lane.Cost:
            if client.dbsize() != count:
                raise RuntimeError(f'{client.dbsize()} of {count} keys')
            client.flushall()
            return spent

        return lane.compare(
            'Redis sink',
            count,
            rounds,
            lambda: checked(_bare(server.dsn, rows)),
            lambda: checked(_product(server.dsn, rows)),
        )


def _bare(url: str, rows: list[tuple[str, Any]]) -> lane.Cost:
    with redis.Redis.from_url(url) as client:
        client.ping()
        cost = lane.stopwatch()
        for start in range(0, len(rows), BATCH):
            pipeline = client.pipeline(transaction=False)
            for key, data in rows[start : start + BATCH]:
                pipeline.set(key, jsonio.dumps_bytes(data), px=3_600_000)
            pipeline.execute()
        return cost()


def _product(url: str, rows: list[tuple[str, Any]]) -> lane.Cost:
    sink = RedisSink('main', RedisOptions().load({'url': url, 'default_ttl_seconds': '3600'}))
    return lane.through_lane('redis', sink, [RedisPayload(key, data) for key, data in rows])


if __name__ == '__main__':
    lane.show(run(*(int(argument) for argument in sys.argv[1:])), 'bare redis-py')
