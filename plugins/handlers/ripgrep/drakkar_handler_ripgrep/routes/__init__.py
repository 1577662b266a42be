"""Which payloads a result becomes: a table of routes for each type of sink that is configured.

A sink type is one module here and one line in `MODULES`. Its module is imported
only where such a sink is configured, so the others need not be installed.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import drakkar.api as dk

MODULES = {'filesystem': 'drakkar_handler_ripgrep.routes.filesystem'}

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Route:
    """One payload for each result with more than `above` matches."""

    make: Callable[[Data], dk.Payload]
    above: int = -1


class Routes:
    """The routes of the sink types that are configured.

    Each module has `RESULTS`, the routes of one finished search, and `SUMMARIES`,
    those of a whole message.
    """

    def __init__(self, sink_types: Iterable[str] = ()) -> None:
        modules = [importlib.import_module(MODULES[t]) for t in sink_types if t in MODULES]
        self._results = [route for module in modules for route in module.RESULTS]
        self._summaries = [route for module in modules for route in module.SUMMARIES]

    def results(self, data: Data) -> list[dk.Payload]:
        """Return the payloads of one search."""
        return _taken(self._results, data)

    def summaries(self, data: Data) -> list[dk.Payload]:
        """Return the payloads of one message."""
        return _taken(self._summaries, data)


def _taken(routes: Iterable[Route], data: Data) -> list[dk.Payload]:
    return [route.make(data) for route in routes if data['match_count'] > route.above]
