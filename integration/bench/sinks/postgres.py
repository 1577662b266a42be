"""Rows/s into PostgreSQL: the whole lane of the sink beside bare psycopg2 with the same batches.

python -m gevent.monkey --module integration.bench.sinks.postgres
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import psycopg2
from psycopg2 import extensions, extras

from drakkar_sink_postgres import PostgresOptions, PostgresPayload
from drakkar_sink_postgres.sink import PostgresSink
from integration.bench.sinks import lane
from integration.servers.postgres import Postgres

BATCH = 500
COLUMNS = ('id', 'pattern', 'lines', 'score', 'ok')
TABLE = 'CREATE TABLE results (id bigint, pattern text, lines int, score float8, ok boolean)'


def run(count: int = 50_000, rounds: int = 5) -> dict[str, Any]:
    """Write `count` rows each way, in turn, `rounds` times; return the median rates and ratio.

    Needs an interpreter that gevent has patched. Bare psycopg2 blocks, as it does by
    itself: rows in batches of 500 with `execute_values`, one commit each. The sink gets one
    payload a message, and its lane makes batches of the same size.
    """
    rows = [(n, f'pattern {n}', n % 1000, n / 7, n % 2 == 0) for n in range(count)]
    with Postgres() as server:
        server.execute(TABLE)

        def checked(measure: Callable[[str, list[tuple[Any, ...]]], lane.Cost]) -> lane.Cost:
            server.execute('TRUNCATE results')
            server.execute('CHECKPOINT')
            spent = measure(server.dsn, rows)
            written = int(server.execute('SELECT count(DISTINCT id) FROM results'))
            if written != count:
                raise RuntimeError(f'{written} of {count} rows')
            return spent

        return lane.compare(
            'PostgreSQL sink', count, rounds, lambda: checked(_bare), lambda: checked(_product)
        )


def _bare(dsn: str, rows: list[tuple[Any, ...]]) -> lane.Cost:
    waiting = extensions.get_wait_callback()
    extensions.set_wait_callback(None)
    try:
        connection = psycopg2.connect(dsn)
        cursor = connection.cursor()
        statement = f'INSERT INTO results ({", ".join(COLUMNS)}) VALUES %s'
        cost = lane.stopwatch()
        for start in range(0, len(rows), BATCH):
            extras.execute_values(cursor, statement, rows[start : start + BATCH], page_size=BATCH)
            connection.commit()
        spent = cost()
        connection.close()
    finally:
        extensions.set_wait_callback(waiting)
    return spent


def _product(dsn: str, rows: list[tuple[Any, ...]]) -> lane.Cost:
    payloads = [PostgresPayload('results', dict(zip(COLUMNS, row, strict=True))) for row in rows]
    sink = PostgresSink('main', PostgresOptions().load({'dsn': dsn}))
    return lane.through_lane('postgres', sink, payloads)


if __name__ == '__main__':
    lane.show(run(*(int(argument) for argument in sys.argv[1:])), 'bare psycopg2')
