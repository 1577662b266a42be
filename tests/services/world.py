"""A user's folder, and `drakkar` run in it as a real process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from click.testing import CliRunner

from drakkar.cli.main import cli

ROOT = Path(__file__).resolve().parents[2]
_LONGEST_SECONDS = 30

HANDLER = """\
import drakkar.api as dk


class Idle(dk.Handler):
    def arrange(self, messages, pending):
        return []
"""

# Whatever a test is about, the rest of the configuration is this.
CONFIG = """\
[drakkar]
handler = handlers:Idle

[log]
path = log

[executor]
binary_path = /bin/cat

[sinks.filesystem.out]
base_path = results

[dlq]
path = dlq

[metrics]
host = 127.0.0.1
port = 0

[debug]
port = 0
"""


@dataclass(frozen=True)
class Outcome:
    """How a command ended: exit code, what it printed, and the paths it left behind."""

    code: int
    out: str
    err: str
    left: list[str]


def environment(more: Mapping[str, str] = {}) -> dict[str, str]:
    """Return the environment of a user who has no settings of Drakkar's, and `more`.

    Drakkar is that of this tree, whatever the running environment has installed.
    """
    mine = {k: v for k, v in os.environ.items() if not k.startswith(('DK_', 'COVERAGE'))}
    mine.pop('WORKER_ID', None)
    # A handler's module leaves its __pycache__, which is no mess of ours.
    mine |= {'PYTHONDONTWRITEBYTECODE': '1', **more}
    search = [str(ROOT), mine.get('PYTHONPATH', '')]
    return {**mine, 'PYTHONPATH': os.pathsep.join(filter(None, search))}


def command(*args: str, python: str = '') -> list[str]:
    """Return the command line of `drakkar ARGS`, by another Python where one is given."""
    return [python or sys.executable, '-m', 'drakkar', *args]


def paths(folder: Path) -> set[str]:
    """Return all files and folders below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob('*')}


def run(
    folder: Path, *args: str, env: Mapping[str, str] = {}, stdin: str = '', python: str = ''
) -> Outcome:
    """Run `drakkar ARGS` in a folder to its end; it is killed where that does not come."""
    before = paths(folder)
    process = subprocess.Popen(
        command(*args, python=python),
        cwd=folder,
        env=environment(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        out, err = process.communicate(stdin, timeout=_LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
    return Outcome(process.returncode, out, err, sorted(paths(folder) - before))


def run_here(folder: Path, *args: str, env: Mapping[str, str] = {}, stdin: str = '') -> Outcome:
    """Do what `run` does, in this process: for what ends before anything is started."""
    before, old_path, old_modules = paths(folder), list(sys.path), set(sys.modules)
    old_setting, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    here = Path.cwd()
    wanted = environment(env)
    changes = {name: wanted.get(name) for name in {*os.environ, *wanted}}
    os.chdir(folder)
    try:
        result = CliRunner().invoke(cli, args, input=stdin, env=changes, prog_name='drakkar')
    finally:
        os.chdir(here)
        sys.dont_write_bytecode = old_setting
        sys.path[:] = old_path
        for name in set(sys.modules) - old_modules:
            if _is_below(folder, sys.modules[name]):
                del sys.modules[name]
    left = sorted(paths(folder) - before)
    return Outcome(result.exit_code, result.stdout, result.stderr, left)


def _is_below(folder: Path, module: ModuleType) -> bool:
    return str(getattr(module, '__file__', None)).startswith(f'{folder}{os.sep}')
