"""Handler `ripgrep`: fans search requests out into ripgrep runs and their results to sinks."""

from __future__ import annotations

import drakkar.api as dk
from drakkar_handler_ripgrep.handler import RipgrepHandler
from drakkar_handler_ripgrep.request import SearchRequest

__all__ = ['RipgrepHandler', 'SearchRequest', 'drakkar_register_handlers']


@dk.hookimpl
def drakkar_register_handlers() -> list[dk.HandlerSpec]:
    """Make `[drakkar] handler = ripgrep` known."""
    return [dk.HandlerSpec('ripgrep', RipgrepHandler, label='ripgrep search')]
