"""Rows/s into PostgreSQL: the whole lane of the sink beside bare psycopg2 with the same batches.

python -m gevent.monkey --module integration.bench.sinks.postgres
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import psycopg2
from gevent.event import Event
from psycopg2 import extensions, extras

from drakkar.contracts.observer import Observer
from drakkar.delivery.router import Router
from drakkar.delivery.settings import DeliverySettings
from drakkar.greenlets import Nursery
from drakkar.models.delivery import CancelScope, Provenance, SinkRef
from drakkar.models.message import SourceMessage
from drakkar.testing.harness import MemoryDeadLetters
from drakkar_sink_postgres import PostgresOptions, PostgresPayload
from drakkar_sink_postgres.sink import PostgresSink
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
    rates: dict[str, list[float]] = {'bare': [], 'product': []}
    with Postgres() as server:
        server.execute(TABLE)
        for _ in range(rounds):
            for name, measure in (('bare', _bare), ('product', _product)):
                server.execute('TRUNCATE results')
                server.execute('CHECKPOINT')
                rates[name].append(count / measure(server.dsn, rows))
                written = int(server.execute('SELECT count(DISTINCT id) FROM results'))
                if written != count:
                    raise RuntimeError(f'{name}: {written} of {count} rows')
    ratios = [p / b for p, b in zip(rates['product'], rates['bare'], strict=True)]
    return {
        'title': 'PostgreSQL sink',
        'unit': 'payloads',
        'count': count,
        'product': {'rate': statistics.median(rates['product'])},
        'bare': {'rate': statistics.median(rates['bare'])},
        'rate_ratio': statistics.median(ratios),
    }


def _bare(dsn: str, rows: list[tuple[Any, ...]]) -> float:
    waiting = extensions.get_wait_callback()
    extensions.set_wait_callback(None)
    try:
        connection = psycopg2.connect(dsn)
        cursor = connection.cursor()
        statement = f'INSERT INTO results ({", ".join(COLUMNS)}) VALUES %s'
        started = time.perf_counter()
        for start in range(0, len(rows), BATCH):
            extras.execute_values(cursor, statement, rows[start : start + BATCH], page_size=BATCH)
            connection.commit()
        seconds = time.perf_counter() - started
        connection.close()
    finally:
        extensions.set_wait_callback(waiting)
    return seconds


def _product(dsn: str, rows: list[tuple[Any, ...]]) -> float:
    payloads = [PostgresPayload('results', dict(zip(COLUMNS, row, strict=True))) for row in rows]
    messages = [SourceMessage('bench', 0, number, b'') for number in range(len(rows))]
    finished, done = Event(), _countdown(len(rows))
    died: list[Any] = []
    nursery = Nursery(lambda *death: died.append(death))
    options = PostgresOptions().load({'dsn': dsn})
    router = Router(
        {SinkRef('postgres', 'main'): PostgresSink('main', options)},
        MemoryDeadLetters(),
        lambda failure: (_ for _ in ()).throw(failure.error),  # a bench has no failures
        Observer(),
        DeliverySettings(),
        nursery,
    )
    router.connect()
    scope = CancelScope()

    def on_done() -> None:
        if done():
            finished.set()

    # In a worker they live as long as their message, and the collector never sees all at once.
    gc.collect()
    gc.freeze()
    started = time.perf_counter()
    for payload, message in zip(payloads, messages, strict=True):
        router.submit([payload], Provenance([message], scope), on_done)
    finished.wait()
    seconds = time.perf_counter() - started
    gc.unfreeze()
    router.close()
    nursery.kill()
    if died:
        raise RuntimeError(f'a greenlet died: {died}')
    return seconds


def _countdown(count: int) -> Callable[[], bool]:
    left = count

    def done() -> bool:
        nonlocal left
        left -= 1
        return not left

    return done


if __name__ == '__main__':
    figures = run(*(int(argument) for argument in sys.argv[1:]))
    print(
        f'{figures["count"]:,} payloads: {figures["product"]["rate"]:,.0f}/s, '
        f'bare psycopg2 {figures["bare"]["rate"]:,.0f}/s, ratio {figures["rate_ratio"]:.0%}'
    )
