"""What a route is: its path, its view, and what the OpenAPI document says of it."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from drakkar.ui.context import UiContext
from drakkar.ui.request import Request

_PLACEHOLDER = re.compile(r'{(\w+)(?::(\w+))?}')


@dataclass(frozen=True, slots=True)
class Page:
    """An HTML page: a template of `templates/` and its variables."""

    template: str
    data: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Json:
    """A JSON answer."""

    data: Any
    status: int = 200


@dataclass(frozen=True, slots=True)
class File:
    """A download. The caller has made sure that the path may be given away.

    A temporary file is removed as soon as it is open.
    """

    path: Path
    name: str
    content_type: str = 'application/octet-stream'
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class Redirect:
    """Sends the browser to another page of this UI."""

    url: str


Answer = Page | Json | File | Redirect
View = Callable[[UiContext, Request], Answer]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of the query. `type` is a JSON type, `default` what is taken without it."""

    name: str
    description: str
    type: str = 'string'
    default: Any = None
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """One path. Placeholders: `{name}`, `{name:int}`, and `{name:path}`, which may hold slashes.

    `returns` is the JSON schema of the answer, `body` that of the request; a
    route of the API needs the first. `public` ones need no token.
    """

    method: str
    path: str
    view: View
    summary: str
    query: tuple[Parameter, ...] = ()
    returns: Mapping[str, Any] | None = None
    body: Mapping[str, Any] | None = None
    public: bool = False

    @property
    def rule(self) -> str:
        """The path as Bottle wants it."""
        return _PLACEHOLDER.sub(
            lambda m: f'<{m[1]}:{m[2]}>' if m[2] else f'<{m[1]}>',
            self.path,
        )

    @property
    def template(self) -> str:
        """The path as OpenAPI wants it."""
        return _PLACEHOLDER.sub(r'{\1}', self.path)

    @property
    def placeholders(self) -> list[tuple[str, str]]:
        """Name and JSON type of each placeholder."""
        return [
            (name, 'integer' if kind == 'int' else 'string')
            for name, kind in _PLACEHOLDER.findall(self.path)
        ]


def modules_of(package: ModuleType) -> Iterator[ModuleType]:
    """Import and yield every module of a package, by name."""
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
        yield importlib.import_module(f'{package.__name__}.{info.name}')


def routes_of(package: ModuleType) -> list[Route]:
    """Return the ROUTES of every module of a package."""
    return [route for module in modules_of(package) for route in getattr(module, 'ROUTES', ())]
