"""Finds the processes that a test's stack has started, however deep."""

from __future__ import annotations

import contextlib
from pathlib import Path

import psutil

MARK = 'DRAKKAR_TEST_STACK'
"""Environment variable that all processes of a stack inherit."""


def marked(value: Path) -> list[psutil.Process]:
    """Return all processes whose mark is `value`."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == str(value):
                found.append(process)
    return found
