"""Run the tests of some folders as production runs: with gevent's patching.

    python tools/suite.py [--coverage] [--allow-none] PLACE... [--beside PLACE...]... [-- ARGS]

A place is a folder, a test file, or a pattern of them; ARGS are pytest's. One without any test
file is named and left out; when none is left, nothing is to be done and the exit code is 0. Where
there are test files, a run that executes no test is an error (pytest's exit code 5), unless
--allow-none says that a selection may be empty.

The places after --beside run at the same time, in a process of their own with servers of their
own, and are printed in the end. What they name is left out before --beside, and the other way
round: each test runs once.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTEST_RAN_NOTHING = 5


def with_tests(patterns: list[str]) -> list[str]:
    """Return the places that match the patterns and hold tests; name the others."""
    places = []
    for pattern in patterns:
        matches = [path for path in sorted(ROOT.glob(pattern)) if is_place(path)]
        if not matches:
            print(f'suite: nothing matches {pattern}', flush=True)
        for path in matches:
            name = str(path.relative_to(ROOT))
            if path.is_file() or any(path.rglob('test_*.py')):
                places.append(name)
            else:
                print(f'suite: {name} has no test files', flush=True)
    return places


def is_place(path: Path) -> bool:
    """Whether a path may be run: a folder or a file of tests."""
    return path.is_dir() or path.match('test_*.py')


def sides(groups: list[list[str]]) -> list[list[str]]:
    """Return the places of each group that no later one names; groups without any are left out."""
    kept = []
    for number, group in enumerate(groups):
        later = {place for other in groups[number + 1 :] for place in other}
        kept.append([place for place in group if place not in later])
    return [group for group in kept if group]


def left_out(places: list[str], others: list[str]) -> list[str]:
    """Return arguments that keep what `others` run out of the folders among `places`."""
    folders = {Path(place) for place in places}
    return [f'--ignore={other}' for other in others if folders & {*Path(other).parents}]


def command(places: list[str], pytest_args: list[str], *, coverage: bool) -> list[str]:
    """Return the command that runs pytest, patched, and traced if asked for."""
    tracer = ['-m', 'coverage', 'run'] if coverage else []
    patched = ['-m', 'gevent.monkey', '--module', 'pytest']
    return [sys.executable, *tracer, *patched, *places, *pytest_args]


def run_beside(lines: list[list[str]]) -> list[int]:
    """Run commands at the same time; return their exit codes.

    The first prints as it goes; what the others print is shown when all have ended.
    """
    with ExitStack() as stack:
        outputs = [stack.enter_context(tempfile.TemporaryFile()) for _ in lines[1:]]
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    line, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output
                )
            )
            for line, output in zip(lines, [None, *outputs], strict=True)
        ]
        codes = [process.wait() for process in processes]
        for output in outputs:
            print('suite: what ran beside it:', flush=True)
            output.seek(0)
            shutil.copyfileobj(output, sys.stdout.buffer)
            sys.stdout.flush()
    return codes


def verdict(codes: list[int], *, allow_none: bool) -> int:
    """Return one exit code for all: that of the first failure; nothing ran only if none ran any."""
    ran = [code for code in codes if code != PYTEST_RAN_NOTHING]
    if not ran:
        return 0 if allow_none else PYTEST_RAN_NOTHING
    return next((code for code in ran if code), 0)


def main(argv: list[str]) -> int:
    own, pytest_args = argv, []
    if '--' in argv:
        cut = argv.index('--')
        own, pytest_args = argv[:cut], argv[cut + 1 :]
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--coverage', action='store_true')
    parser.add_argument('--allow-none', action='store_true')
    parser.add_argument('--beside', nargs='+', action='append', default=[], metavar='PLACE')
    parser.add_argument('places', nargs='+', metavar='PLACE')
    options = parser.parse_args(own)
    if options.coverage and options.beside:
        parser.error('--coverage measures one process: it goes without --beside')
    groups = sides([with_tests(part) for part in (options.places, *options.beside)])
    if not groups:
        return 0
    lines = []
    for group in groups:
        others = [place for other in groups if other is not group for place in other]
        args = [*left_out(group, others), *pytest_args]
        lines.append(command(group, args, coverage=options.coverage))
    return verdict(run_beside(lines), allow_none=options.allow_none)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
