"""Which payloads a result becomes: a table of routes for each type of sink that is configured.

A sink type is one module here and one line in `MODULES`. Its module is imported
only where such a sink is configured, so the others need not be installed.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import drakkar.api as dk

MODULES = {
    name: f'drakkar_handler_ripgrep.routes.{name}'
    for name in ('filesystem', 'http', 'kafka', 'mongo', 'postgres', 'redis')
}

FILES = ('results', 'large', 'summaries')

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Route:
    """One payload for each result with more than `above` matches.

    With `per_request` it is one for each request that asked for the search: its data has
    `request_id` in place of `request_ids`. `file` is what `[handler] files` calls it.
    """

    make: Callable[[Data], dk.Payload]
    above: int = -1
    per_request: bool = False
    file: str = ''


class Routes:
    """The routes of the sink types that are configured.

    Each module has `RESULTS`, the routes of one finished search, and `SUMMARIES`,
    those of a whole message. Of the routes to files, those to `files` are taken.
    """

    def __init__(self, sink_types: Iterable[str] = (), files: Collection[str] = FILES) -> None:
        modules = [importlib.import_module(MODULES[t]) for t in sink_types if t in MODULES]
        self._results = [r for m in modules for r in m.RESULTS if r.file in ('', *files)]
        self._summaries = [r for m in modules for r in m.SUMMARIES if r.file in ('', *files)]

    def results(self, data: Data) -> list[dk.Payload]:
        """Return the payloads of one search."""
        return _taken(self._results, data)

    def summaries(self, data: Data) -> list[dk.Payload]:
        """Return the payloads of one message."""
        return _taken(self._summaries, data)


def _taken(routes: Iterable[Route], data: Data) -> list[dk.Payload]:
    wanted = [route for route in routes if data['match_count'] > route.above]
    return [route.make(part) for route in wanted for part in _parts(route, data)]


def _parts(route: Route, data: Data) -> Iterator[Data]:
    if not route.per_request:
        yield data
        return
    common = {key: value for key, value in data.items() if key != 'request_ids'}
    for request_id in data['request_ids']:
        yield {'request_id': request_id} | common
