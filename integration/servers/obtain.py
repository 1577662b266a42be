"""What the servers share to find or fetch programs: words, cache, Debian packages, wheels."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path

REQUIRE = 'DRAKKAR_TEST_REQUIRE'
"""Environment variable that makes it an error when a server can not be had."""

_POLICY = Path('/usr/sbin/policy-rc.d')
_POLICY_MARK = '# written by drakkar for the time of one installation'
_TAIL_LINES = 15
_COMPLETE = 'complete'


class NotObtainableError(Exception):
    """A server can not be had on this machine; the text says why and what to do."""


def say(label: str, text: str) -> None:
    """Print one line on stderr: what is being done for a server."""
    print(f'{label}: {text}', file=sys.stderr, flush=True)


def cache_dir() -> Path:
    """Return the user's cache folder of Drakkar, where what is fetched stays."""
    base = os.environ.get('XDG_CACHE_HOME')
    folder = Path(base) if base else Path.home() / '.cache'
    return folder / 'drakkar'


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let one process of this user fetch at a time; others wait and then find what it fetched."""
    cache_dir().mkdir(parents=True, exist_ok=True)
    with (cache_dir() / 'lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run_step(label: str, text: str, command: list[str], env: dict[str, str] | None = None) -> None:
    """Say what is done, and do it. Raises NotObtainableError with the end of its output."""
    say(label, text)
    # A file and no pipe: what the command leaves running must not keep this waiting.
    with tempfile.TemporaryFile() as output:
        try:
            code = subprocess.call(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
            )
        except OSError as error:
            raise NotObtainableError(f'{label}: {command[0]}: {error.strerror}') from error
        if code != 0:
            output.seek(0)
            lines = output.read().decode(errors='replace').splitlines()[-_TAIL_LINES:]
            tail = '\n  '.join(lines)
            raise NotObtainableError(
                f'{label}: {text}: {command[0]} exited with {code}\n  {tail}'
            ) from None


def debian(label: str, *packages: str) -> None:
    """Install Debian packages without starting the services that they bring.

    Raises NotObtainableError where this is no Debian, or not run as root.
    """
    names = ' '.join(packages)
    apt = shutil.which('apt-get')
    if apt is None or os.geteuid() != 0:
        raise NotObtainableError(
            f'{label}: not found, and only root can install it; on Debian: apt-get install {names}'
        )
    env = {**os.environ, 'DEBIAN_FRONTEND': 'noninteractive'}
    install = [apt, 'install', '-y', '--no-install-recommends', *packages]
    with _no_services():
        try:
            run_step(label, f'installing the Debian package {names}', install, env=env)
        except NotObtainableError:
            # Most likely the lists of packages are missing or old.
            run_step(label, "updating Debian's lists of packages", [apt, 'update'], env=env)
            run_step(label, f'installing the Debian package {names}', install, env=env)


def wheel_python_found(*requirements: str) -> Path | None:
    """Return the Python of the cached environment that has the wheels, if it is complete."""
    folder = _wheel_folder(*requirements)
    python = folder / 'bin' / 'python'
    return python if (folder / _COMPLETE).exists() and python.exists() else None


def wheel_python(label: str, *requirements: str, only_binary: bool = True) -> Path:
    """Make the cached environment that wheels of PyPI have for themselves; return its Python.

    With `only_binary` nothing is built, of what it needs neither. Raises NotObtainableError.
    """
    folder = _wheel_folder(*requirements)
    python = folder / 'bin' / 'python'
    names = ' '.join(requirements)
    say(label, f'creating an environment for {names} in {folder}')
    shutil.rmtree(folder, ignore_errors=True)
    try:
        venv.create(folder, with_pip=True)
    except (subprocess.CalledProcessError, OSError) as error:
        raise NotObtainableError(f'{label}: no virtual environment in {folder}: {error}') from error
    pip = [str(python), '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    wheels = ['--only-binary', ':all:'] if only_binary else []
    run_step(label, f'fetching the wheel {names}', [*pip, *wheels, *requirements])
    (folder / _COMPLETE).touch()
    return python


def _wheel_folder(*requirements: str) -> Path:
    version = f'python{sys.version_info[0]}.{sys.version_info[1]}'
    return cache_dir() / version / re.sub('[^A-Za-z0-9.]+', '-', ' '.join(requirements))


@contextlib.contextmanager
def _no_services() -> Iterator[None]:
    """Keep Debian packages from starting services, as policy-rc.d(8) is meant for."""
    if _POLICY.exists() and _POLICY_MARK not in _POLICY.read_text():
        # Someone's own policy. Where it lets services start, they would be left running.
        verdict = subprocess.call([str(_POLICY), 'drakkar', 'start'], stdin=subprocess.DEVNULL)
        if verdict == 101:
            yield
            return
        raise NotObtainableError(f'{_POLICY} lets packages start services; install by hand')
    _POLICY.write_text(f'#!/bin/sh\n{_POLICY_MARK}\nexit 101\n')
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)
