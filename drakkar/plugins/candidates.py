"""The plugins there are: built-in ones by import path, installed ones by entry point."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drakkar._version import __version__

GROUP = 'drakkar'
# A DK_ variable without `__` names no option, so this one can never be taken for one.
BLOCK_VARIABLE = 'DK_BLOCK_PLUGINS'

# Parts of the core that register through the same hooks as everyone else.
BUILT_IN = {'log': 'drakkar.source.log.plugin', 'kafka': 'drakkar.source.kafka.plugin'}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plugin that may be loaded; `load()` imports it and raises whatever the import raises."""

    name: str
    distribution: str
    version: str
    load: Callable[[], Any]


def find_candidates() -> Iterator[Candidate]:
    """Yield the built-in plugins, then the installed ones by name. Imports none of them."""
    for name, path in BUILT_IN.items():
        yield Candidate(name, 'drakkar', __version__, _importer(path))
    installed = importlib.metadata.entry_points(group=GROUP)
    for point in sorted(installed, key=lambda point: (point.name, point.value)):
        dist = point.dist
        yield Candidate(
            point.name,
            dist.name if dist else 'an unknown distribution',
            dist.version if dist else '',
            point.load,
        )


def _importer(path: str) -> Callable[[], Any]:
    return lambda: importlib.import_module(path)


def blocked_names(environ: Mapping[str, str]) -> list[str]:
    """Return the names that `DK_BLOCK_PLUGINS` lists, in its order."""
    names = (name.strip() for name in environ.get(BLOCK_VARIABLE, '').split(','))
    return [name for name in dict.fromkeys(names) if name]
