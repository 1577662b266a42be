"""The catalogue of what a new user does wrong, and what Drakkar must answer to each."""

from __future__ import annotations

from dataclasses import replace

from tests.services.mistakes.base import Mistake
from tests.services.mistakes.commands import COMMANDS
from tests.services.mistakes.options import OPTIONS
from tests.services.mistakes.outside import OUTSIDE
from tests.services.mistakes.plugins import PLUGINS

__all__ = ['MISTAKES', 'Mistake']

_ALL: dict[str, Mistake] = {**OPTIONS, **PLUGINS, **OUTSIDE, **COMMANDS}

# Found before anything starts, so these need no process each; others of their kind have one.
_HERE = (
    *OPTIONS,
    'handler unknown',
    'check: handler unknown',
    'handler module missing',
    'handler class missing',
    'handler without its class',
    'handler is no Python',
    'handler without arrange',
    'handler of another kind',
    'handler without options',
    'source unknown',
    'sink type unknown',
    'sink without a name',
    'sink without an option it needs',
    'log is a file',
    'results below a file',
    'two sinks that can not be written',
    'log lines below a file',
    'log lines to a folder',
    'log lines to an unknown name',
    'program not in PATH',
    'program not executable',
    'program is a folder',
    'produce: file missing',
    'produce: file is a folder',
    'produce: no configuration',
    'demo: path is empty',
    'demo: data below a file',
    'demo: no messages',
)

MISTAKES = _ALL | {name: replace(_ALL[name], here=True) for name in _HERE}
