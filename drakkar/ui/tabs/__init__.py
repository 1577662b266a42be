"""The tabs of `/debug`, one module each, found by their `TAB`.

A tab is its key in the query (`/debug?tab=KEY`), a template in `templates/debug/`
and a function that gathers what the template shows, as `tab`. Only the tab that
is open is asked for its data.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from drakkar.ui.context import UiContext
from drakkar.ui.request import Request
from drakkar.ui.routes import Parameter, modules_of


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab; tabs stand in the order of `place`.

    `query` are its parameters in the address, `script` names a module of `static/js/`.
    """

    key: str
    title: str
    place: int
    data: Callable[[UiContext, Request], Mapping[str, Any]]
    query: tuple[Parameter, ...] = ()
    script: str = ''

    @property
    def template(self) -> str:
        return f'debug/{self.key}.html'


def all_tabs() -> list[Tab]:
    """Return every tab in its place."""
    modules = modules_of(sys.modules[__name__])
    return sorted((module.TAB for module in modules), key=lambda tab: tab.place)
