"""Drakkar: runs external programs for the messages of a topic, and loses none.

Every name of `drakkar.api` is here too. They load at first use: the command
line must be able to import this package before gevent patches the process.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    if not name.startswith('_'):
        from drakkar import api

        if name in api.__all__:
            return getattr(api, name)
    raise AttributeError(f"module 'drakkar' has no attribute {name!r}")
