"""Keep a virtual environment in which this checkout is installed, editable, with all its plugins.

    python tools/develop.py ENVDIR [--extras dev,speed]

Creates ENVDIR with the running Python where there is none. Installs only when something that
decides the result has changed (a setup.py, the version, the extras, the Python), so a second run
takes no time and needs no network. Uses nothing outside the standard library.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAMP = 'drakkar-installed'
LOCK = 'drakkar-lock'


def packages() -> list[Path]:
    """Return the folders of the core and of every plugin that can be installed."""
    setups = sorted(ROOT.glob('plugins/sinks/*/setup.py')) + sorted(
        ROOT.glob('plugins/handlers/*/setup.py')
    )
    return [ROOT, *(path.parent for path in setups)]


def fingerprint(python: Path, extras: str) -> str:
    """Return a digest of all that decides what an installation contains."""
    digest = hashlib.sha256(f'{python.resolve()}\n{extras}\n{ROOT}\n'.encode())
    for folder in packages():
        digest.update(str(folder.relative_to(ROOT)).encode())
        digest.update((folder / 'setup.py').read_bytes())
    digest.update((ROOT / 'drakkar' / '_version.py').read_bytes())
    return digest.hexdigest()


def create(envdir: Path) -> None:
    """Create the environment, or say what the system lacks for it."""
    print(f'environment: creating {envdir} with Python {sys.version.split()[0]}', flush=True)
    try:
        venv.create(envdir, with_pip=True)
    except subprocess.CalledProcessError as error:
        raise SystemExit(
            f'environment: {sys.executable} cannot create a virtual environment ({error}).\n'
            'Install what it lacks (on Debian: apt-get install python3-venv) and run this again.'
        ) from error


def install(python: Path, extras: str) -> None:
    """Install the core and the plugins into the environment of `python`."""
    pip = [str(python), '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    subprocess.run([*pip, '--upgrade', 'pip', 'setuptools>=68', 'wheel'], check=True)
    # Built with the environment's own setuptools: an isolated build would fetch it once a package.
    command = [*pip, '--no-build-isolation']
    for folder in packages():
        suffix = f'[{extras}]' if extras and folder == ROOT else ''
        command += ['--editable', f'{folder}{suffix}']
    # setuptools warns of every editable installation that it is one.
    subprocess.run(command, check=True, env={**os.environ, 'PYTHONWARNINGS': 'ignore'})


def ensure(envdir: Path, extras: str) -> None:
    """Bring `envdir` up to date; do nothing when it is."""
    python = envdir / 'bin' / 'python'
    stamp = envdir / STAMP
    if not python.exists():
        create(envdir)
    wanted = fingerprint(python, extras)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    names = ', '.join(folder.name for folder in packages()[1:]) or 'none'
    print(f'environment: installing drakkar into {envdir} (plugins: {names})', flush=True)
    stamp.unlink(missing_ok=True)
    install(python, extras)
    stamp.write_text(wanted)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('envdir', type=Path, help='folder of the environment')
    parser.add_argument('--extras', default='', help="the core's extras, joined by commas")
    options = parser.parse_args()
    if sys.version_info < (3, 10):  # noqa: UP036 - an old python3 gets an answer, not a traceback
        raise SystemExit(f'environment: Python 3.10 or newer is needed, this is {sys.version}')
    envdir = options.envdir.absolute()
    envdir.mkdir(parents=True, exist_ok=True)
    # Two tox runs at once must not install into one environment at the same time.
    with (envdir / LOCK).open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            ensure(envdir, options.extras)
        except subprocess.CalledProcessError as error:
            raise SystemExit(
                f'environment: pip failed with exit code {error.returncode}; its message is above.'
            ) from error


if __name__ == '__main__':
    main()
