"""Every hook a plugin may implement, one line each; the prose is in docs/plugins.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pluggy

from drakkar.contracts.sink import SinkSpec
from drakkar.contracts.source import SourceSpec
from drakkar.handler import HandlerSpec

PROJECT = 'drakkar'
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def drakkar_register_sinks() -> Sequence[SinkSpec]:
    """Return the sink types this plugin brings."""
    raise NotImplementedError


@hookspec
def drakkar_register_sources() -> Sequence[SourceSpec]:
    """Return the source types this plugin brings."""
    raise NotImplementedError


@hookspec
def drakkar_register_handlers() -> Sequence[HandlerSpec]:
    """Return the handlers this plugin brings."""
    raise NotImplementedError


@hookspec
def drakkar_register_commands() -> Sequence[Any]:
    """Return click commands for the `drakkar` command line."""
    raise NotImplementedError


@hookspec
def drakkar_on_startup(config: Any) -> None:
    """Called with the final configuration before a worker is built."""


@hookspec
def drakkar_on_shutdown() -> None:
    """Called after a worker has stopped."""
