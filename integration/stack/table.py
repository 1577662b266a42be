"""What is where, for those who look at a running stack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from integration.stack.plan import DATABASE, MONGO_UI_TOKEN, WORKERS

Place = tuple[str, str]
"""Where something is, and what it is."""


def lines(ports: Mapping[str, int]) -> Iterator[str]:
    """Yield the lines of a table of everything that can be opened or connected to."""
    rows: list[tuple[str, ...]] = []
    for name, found in places(ports).items():
        rows += [(name if number == 0 else '', *place) for number, place in enumerate(found)]
    return columns(rows)


def columns(rows: list[tuple[str, ...]]) -> Iterator[str]:
    """Yield a line for each row, its words in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f'{word:{width}}' for word, width in zip(row, widths, strict=True))
        yield '  '.join(cells).rstrip()


def places(ports: Mapping[str, int]) -> dict[str, list[Place]]:
    """Return what each service that has a port can be reached by."""
    return {**_servers(ports), **_workers(ports)}


def _servers(ports: Mapping[str, int]) -> dict[str, list[Place]]:
    at = {name: f'localhost:{port}' for name, port in ports.items()}
    return {
        'kafka': [(at['kafka'], 'topics search-requests, search-results, ...')],
        'postgres': [(f'postgresql://drakkar@{at["postgres"]}/{DATABASE}', 'table search_results')],
        'mongo': [(f'mongodb://{at["mongo"]}', f'database {DATABASE}, collection search_archive')],
        'redis': [(f'redis://{at["redis"]}/0', 'keys search:REQUEST-ID, for an hour')],
        'webhook': [(f'http://{at["webhook"]}', 'echoes; /_control/requests has what came')],
        'prometheus': [(f'http://{at["prometheus"]}', 'scrapes all workers')],
        'redis-commander': [(f'http://{at["redis-commander"]}', 'keys and their lifetimes')],
        'kafka-ui': [(f'http://{at["kafka-ui"]}', 'topics, messages, consumer groups')],
        'mongo-ui': [(f'http://{at["mongo-ui"]}/?t={MONGO_UI_TOKEN}', 'collections and documents')],
    }


def _workers(ports: Mapping[str, int]) -> dict[str, list[Place]]:
    found = {}
    for worker in WORKERS:
        debug, metrics = ports[f'{worker.name}-debug'], ports[f'{worker.name}-metrics']
        found[worker.name] = [
            (f'http://localhost:{debug}', 'debug UI'),
            (f'http://localhost:{metrics}/metrics', 'metrics'),
        ]
        if worker.webapp is not None:
            webapp = ports[f'{worker.name}-webapp']
            found[worker.name].append((f'http://localhost:{webapp}/process', 'webapp'))
    return found
