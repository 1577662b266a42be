"""The catalogue of what a new user does wrong, and what Drakkar must answer to each."""

from __future__ import annotations

from dataclasses import replace

from tests.services.mistakes.base import Mistake
from tests.services.mistakes.commands import COMMANDS
from tests.services.mistakes.options import OPTIONS
from tests.services.mistakes.outside import OUTSIDE
from tests.services.mistakes.plugins import PLUGINS

__all__ = ['MISTAKES', 'Mistake']

# Wrong options are found before anything starts, so these need no process each.
_OPTIONS = {name: replace(mistake, here=True) for name, mistake in OPTIONS.items()}

MISTAKES: dict[str, Mistake] = {**_OPTIONS, **PLUGINS, **OUTSIDE, **COMMANDS}
