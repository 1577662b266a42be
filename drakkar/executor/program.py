"""Finds the program of a task as a shell would, without a shell."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

from drakkar.errors import ConfigError

# Programs that tasks bring themselves; a handler that makes up names must not grow it for ever.
_REMEMBERED_MAX = 256


class Programs:
    """Turns `binary_path` values into paths: absolute, relative with a slash, or through PATH."""

    def __init__(self, configured: str, environ: Mapping[str, str]) -> None:
        self._configured = configured
        self._search_path = environ.get('PATH') or os.defpath
        self._found: dict[str, str] = {}

    def check(self) -> None:
        """Look the configured program up. Raises ConfigError where it can not be run."""
        if not self._configured:
            return
        path = self.find(self._configured)
        problem = ''
        if not os.path.exists(path):
            problem = 'does not exist' if os.sep in self._configured else 'is not in PATH'
        elif os.path.isdir(path):
            problem = 'is a directory'
        elif not os.access(path, os.X_OK):
            problem = 'is not executable'
        if problem:
            raise ConfigError(f'[executor] binary_path = {self._configured!r} {problem}')

    def name(self, own: str) -> str:
        """Return the program of a task that names `own`, '' where there is none."""
        return own or self._configured

    def find(self, program: str) -> str:
        """Return where `program` is; its bare name where PATH has no such program."""
        path = self._found.get(program)
        if path is not None:
            return path
        if os.sep in program:
            return program
        found = shutil.which(program, path=self._search_path)
        if found is None:
            return program
        if len(self._found) >= _REMEMBERED_MAX:
            self._found.clear()
        self._found[program] = found = os.path.abspath(found)
        return found

    def forget(self, program: str) -> None:
        """Look `program` up anew next time: it was not where it used to be."""
        self._found.pop(program, None)
