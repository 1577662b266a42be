"""Finds plugins through the entry point group `drakkar` and checks what they bring."""

from __future__ import annotations

from drakkar.plugins.candidates import BLOCK_VARIABLE, GROUP
from drakkar.plugins.handlers import resolve_handler
from drakkar.plugins.info import PluginInfo, Status
from drakkar.plugins.manager import PluginManager

__all__ = [
    'BLOCK_VARIABLE',
    'GROUP',
    'PluginInfo',
    'PluginManager',
    'Status',
    'resolve_handler',
]
