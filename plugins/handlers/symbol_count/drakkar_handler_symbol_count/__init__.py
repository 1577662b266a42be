"""Handler `symbol-count`: one short task a message, for high rates."""

from __future__ import annotations

import drakkar.api as dk
from drakkar_handler_symbol_count.handler import SymbolCountHandler

__all__ = ['SymbolCountHandler', 'drakkar_register_handlers']


@dk.hookimpl
def drakkar_register_handlers() -> list[dk.HandlerSpec]:
    """Make `[drakkar] handler = symbol-count` known."""
    return [dk.HandlerSpec('symbol-count', SymbolCountHandler, label='symbol count')]
