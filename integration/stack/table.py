"""What is where, for those who look at a running stack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from integration.stack.plan import DATABASE, WORKERS
from integration.stack.web_uis import MONGO_UI_TOKEN

Row = tuple[str, str, str]


def lines(ports: Mapping[str, int]) -> Iterator[str]:
    """Yield the lines of a table of everything that can be opened or connected to."""
    rows = [*_servers(ports), *_workers(ports)]
    wide = max(len(name) for name, _, _ in rows), max(len(where) for _, where, _ in rows)
    for name, where, what in rows:
        yield f'{name:{wide[0]}}  {where:{wide[1]}}  {what}'


def _servers(ports: Mapping[str, int]) -> Iterator[Row]:
    yield 'kafka', f'localhost:{ports["kafka"]}', 'topics search-requests, search-results, ...'
    dsn = f'postgresql://drakkar@localhost:{ports["postgres"]}/{DATABASE}'
    yield 'postgres', dsn, 'table search_results'
    mongo = f'mongodb://localhost:{ports["mongo"]}'
    yield 'mongo', mongo, f'database {DATABASE}, collection search_archive'
    yield 'redis', f'redis://localhost:{ports["redis"]}/0', 'keys search:REQUEST-ID, for an hour'
    echo = f'http://localhost:{ports["webhook"]}'
    yield 'webhook', echo, 'echoes; /_control/requests has what came'
    yield (
        'redis-commander',
        f'http://localhost:{ports["redis-commander"]}',
        'keys and their lifetimes',
    )
    kafka_ui = f'http://localhost:{ports["kafka-ui"]}'
    yield 'kafka-ui', kafka_ui, 'topics, messages, consumer groups'
    mongo_ui = f'http://localhost:{ports["mongo-ui"]}/?t={MONGO_UI_TOKEN}'
    yield 'mongo-ui', mongo_ui, 'collections and documents'
    yield 'prometheus', f'http://localhost:{ports["prometheus"]}', 'scrapes all workers'


def _workers(ports: Mapping[str, int]) -> Iterator[Row]:
    for worker in WORKERS:
        yield worker.name, f'http://localhost:{ports[f"{worker.name}-debug"]}', 'debug UI'
        metrics = ports[f'{worker.name}-metrics']
        yield '', f'http://localhost:{metrics}/metrics', 'metrics'
        if worker.webapp is not None:
            webapp = ports[f'{worker.name}-webapp']
            yield '', f'http://localhost:{webapp}/process', 'webapp'
