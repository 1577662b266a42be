"""Run the tests of some folders as production runs: with gevent's patching.

    python tools/suite.py [--coverage] [--allow-none] FOLDER... [-- PYTEST-ARGS]

A folder (or a pattern of folders) without any test file is named and left out; when none is left,
nothing is to be done and the exit code is 0. Where there are test files, a run that executes no
test is an error (pytest's exit code 5), unless --allow-none says that a selection may be empty.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTEST_RAN_NOTHING = 5


def with_tests(patterns: list[str]) -> list[str]:
    """Return the folders that match the patterns and hold test files; name the others."""
    folders = []
    for pattern in patterns:
        matches = [path for path in sorted(ROOT.glob(pattern)) if path.is_dir()]
        if not matches:
            print(f'suite: nothing matches {pattern}', flush=True)
        for path in matches:
            name = str(path.relative_to(ROOT))
            if any(path.rglob('test_*.py')):
                folders.append(name)
            else:
                print(f'suite: {name} has no test files', flush=True)
    return folders


def command(folders: list[str], pytest_args: list[str], *, coverage: bool) -> list[str]:
    """Return the command that runs pytest, patched, and traced if asked for."""
    tracer = ['-m', 'coverage', 'run'] if coverage else []
    patched = ['-m', 'gevent.monkey', '--module', 'pytest']
    return [sys.executable, *tracer, *patched, *folders, *pytest_args]


def main(argv: list[str]) -> int:
    own, pytest_args = argv, []
    if '--' in argv:
        cut = argv.index('--')
        own, pytest_args = argv[:cut], argv[cut + 1 :]
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--coverage', action='store_true')
    parser.add_argument('--allow-none', action='store_true')
    parser.add_argument('folders', nargs='+')
    options = parser.parse_args(own)
    folders = with_tests(options.folders)
    if not folders:
        return 0
    line = command(folders, pytest_args, coverage=options.coverage)
    code = subprocess.run(line, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode
    return 0 if options.allow_none and code == PYTEST_RAN_NOTHING else code


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
