"""Drakkar: runs external programs for the messages of a topic, and loses none.

Every name of `drakkar.api` is here too. They load at first use: the command
line must be able to import this package before gevent patches the process.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any


def __getattr__(name: str) -> Any:
    # `from drakkar import <module>` asks here first: answering would import api half way through.
    if not name.startswith('_') and importlib.util.find_spec(f'drakkar.{name}') is None:
        api = importlib.import_module('drakkar.api')
        if name in api.__all__:
            return getattr(api, name)
    raise AttributeError(f"module 'drakkar' has no attribute {name!r}")
