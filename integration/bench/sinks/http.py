"""Requests/s to an endpoint: the whole lane of the sink beside bare requests, 8 at a time.

python -m gevent.monkey --module integration.bench.sinks.http
"""

from __future__ import annotations

import sys
from typing import Any

import gevent
import requests
from gevent.pool import Pool
from requests.adapters import HTTPAdapter

from drakkar_sink_http import HttpOptions, HttpPayload
from drakkar_sink_http.sink import HttpSink
from integration.bench.sinks import lane
from integration.servers.http_echo import HttpEcho

BATCH = 500
CONCURRENCY = 8


def run(count: int = 5_000, rounds: int = 5) -> dict[str, Any]:
    """Send `count` requests each way, in turn, `rounds` times; return the median rates and ratio.

    Needs an interpreter that gevent has patched. Both post JSON over 8 connections that are kept
    open, a batch of 500 after the other. The server is a process of its own, in Python.
    """
    rows = [{'id': n, 'pattern': f'pattern {n}', 'lines': n % 1000} for n in range(count)]
    with HttpEcho() as server:

        def bare() -> lane.Cost:
            return _bare(server.dsn, rows)

        def product() -> lane.Cost:
            options = HttpOptions().load({'url': server.dsn, 'concurrency': str(CONCURRENCY)})
            payloads = [HttpPayload(row) for row in rows]
            return lane.through_lane('http', HttpSink('main', options), payloads)

        return lane.compare('HTTP sink', count, rounds, bare, product)


def _bare(url: str, rows: list[dict[str, Any]]) -> lane.Cost:
    session = requests.Session()
    session.mount('http://', HTTPAdapter(pool_maxsize=CONCURRENCY))
    pool = Pool(CONCURRENCY)

    def post(row: dict[str, Any]) -> None:
        session.post(url, json=row, timeout=10).raise_for_status()

    cost = lane.stopwatch()
    for start in range(0, len(rows), BATCH):
        gevent.joinall(
            [pool.spawn(post, row) for row in rows[start : start + BATCH]], raise_error=True
        )
    spent = cost()
    session.close()
    return spent


if __name__ == '__main__':
    lane.show(run(*(int(argument) for argument in sys.argv[1:])), 'bare requests')
