"""What the servers share to find or fetch programs: words, cache, steps, wheels."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from integration.servers.process import Process

REQUIRE = 'DRAKKAR_TEST_REQUIRE'
"""Environment variable that makes it an error when a server can not be had."""

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


def run_step(label: str, text: str, command: list[str]) -> None:
    """Say what is done, and do it; its processes end with this one, however that happens.

    Raises NotObtainableError with the end of its output.
    """
    say(label, text)
    if shutil.which(command[0]) is None:
        raise NotObtainableError(f'{label}: {command[0]}: No such file on PATH')
    with tempfile.TemporaryDirectory(prefix='drakkar-fetch-') as name:
        folder = Path(name)
        output = folder / 'output.log'
        process = Process(command, folder, output, environment={'TMPDIR': name})
        try:
            code = process.wait(None)
        except BaseException:
            process.kill()
            raise
        if code != 0:
            raise failed(label, text, command[0], code, output.read_text(errors='replace'))


def failed(
    label: str, text: str, program: str, code: int | None, output: str
) -> NotObtainableError:
    """Return the error of a program that failed at what `text` says."""
    tail = '\n  '.join(output.splitlines()[-_TAIL_LINES:])
    return NotObtainableError(f'{label}: {text}: {program} exited with {code}\n  {tail}')


def wheel_folder(*requirements: str) -> Path:
    """Return the folder of the cached environment for these wheels, complete or not."""
    version = f'python{sys.version_info[0]}.{sys.version_info[1]}'
    return cache_dir() / version / re.sub('[^A-Za-z0-9.]+', '-', ' '.join(requirements))


def wheel_python_found(*requirements: str) -> Path | None:
    """Return the Python of the cached environment that has the wheels, if it is complete."""
    folder = wheel_folder(*requirements)
    python = folder / 'bin' / 'python'
    return python if (folder / _COMPLETE).exists() and python.exists() else None


def wheel_python(label: str, *requirements: str, only_binary: bool = True) -> Path:
    """Make the cached environment that wheels of PyPI have for themselves; return its Python.

    With `only_binary` nothing is built, of what it needs neither. Raises NotObtainableError.
    """
    folder = wheel_folder(*requirements)
    python = folder / 'bin' / 'python'
    names = ' '.join(requirements)
    shutil.rmtree(folder, ignore_errors=True)
    make = [sys.executable, '-m', 'venv', str(folder)]
    run_step(label, f'creating an environment for {names} in {folder}', make)
    pip = [str(python), '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    wheels = ['--only-binary', ':all:'] if only_binary else []
    run_step(label, f'fetching the wheel {names}', [*pip, *wheels, *requirements])
    (folder / _COMPLETE).touch()
    return python
