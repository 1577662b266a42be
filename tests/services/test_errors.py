"""Every mistake of a new user: one clear message, the named exit code, nothing left behind.

All commands are run before the first test: real processes, some at the same time.
"""

from __future__ import annotations

import os
import shlex
import socket
import venv
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from gevent.pool import Pool

from tests.services import packages
from tests.services.mistakes import MISTAKES, Mistake
from tests.services.world import CONFIG, HANDLER, Outcome, run, run_here

pytestmark = pytest.mark.timeout(180)  # the first test waits for all commands

_AT_A_TIME = 3
_CLICK_SAYS_FIRST = ('Usage: ', 'Try ')


@pytest.fixture(scope='module')
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What `{name}` stands for in the catalogue."""
    bare = tmp_path_factory.mktemp('bare')
    venv.create(bare, symlinks=True, with_pip=False)
    (site,) = bare.glob('lib/python*/site-packages')
    packages_here = os.path.dirname(os.path.dirname(pytest.__file__))
    (site / 'all.pth').write_text(f'import site; site.addsitedir({packages_here!r})\n')
    broken = {'bad': 'raise RuntimeError("no licence key")\n'}
    return {
        'python': str(bare / 'bin'),
        'broken': str(packages.install(broken, tmp_path_factory.mktemp('broken'))),
    }


@pytest.fixture(scope='module')
def outcomes(
    places: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, tuple[dict[str, str], Outcome]]:
    """How each command of the catalogue ended, and what `{name}` stood for."""
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = str(taken.getsockname()[1])

        def provoke(name: str) -> tuple[str, tuple[dict[str, str], Outcome]]:
            folder = tmp_path_factory.mktemp('user', numbered=True)
            words = {**places, 'port': port, 'folder': str(folder)}
            return name, (words, _provoke(MISTAKES[name], folder, words))

        here = [name for name, mistake in MISTAKES.items() if mistake.here]
        others = [name for name in MISTAKES if name not in here]
        found = dict(map(provoke, here))  # one by one: they change this process for a while
        return found | dict(Pool(_AT_A_TIME).imap_unordered(provoke, others))


def _provoke(mistake: Mistake, folder: Path, words: Mapping[str, str]) -> Outcome:
    fill = _filler(words)
    ini = fill(f'{CONFIG.replace(*mistake.change, 1)}\n{mistake.add}')
    for name, text in {'handlers.py': HANDLER, 'drakkar.ini': ini, **mistake.files}.items():
        if text is None:
            (folder / name).mkdir()
        else:
            (folder / name).write_text(text, errors='surrogateescape')
    env = {name: fill(value) for name, value in mistake.env.items()}
    python = ''
    if mistake.bare:
        python = f'{words["python"]}/python'
        env['PATH'] = '/nowhere'
    args = shlex.split(fill(mistake.command))
    if mistake.here:
        return run_here(folder, *args, env=env, stdin=mistake.stdin)
    return run(folder, *args, env=env, stdin=mistake.stdin, python=python)


def _filler(words: Mapping[str, str]) -> Callable[[str], str]:
    def fill(text: str) -> str:
        for name, value in words.items():
            text = text.replace(f'{{{name}}}', value)
        return text

    return fill


@pytest.mark.parametrize('name', MISTAKES)
def test_mistake(name: str, outcomes: Mapping[str, tuple[dict[str, str], Outcome]]) -> None:
    mistake, (words, outcome) = MISTAKES[name], outcomes[name]
    said = [line for line in outcome.err.splitlines() if not _is_no_message(line)]
    expected = [_filler(words)(line) for line in mistake.says]
    begins = [line[: len(begin)] for line, begin in zip(said, expected, strict=False)]
    assert (begins, len(said)) == (expected, len(expected)), outcome.err
    assert 'Traceback' not in outcome.err
    assert outcome.out == ''
    assert outcome.code == mistake.code
    assert outcome.left == sorted(mistake.left)


def _is_no_message(line: str) -> bool:
    """Whether a line is of the worker's log, or what click puts before its message."""
    return not line or line.startswith('{"time":') or line.startswith(_CLICK_SAYS_FIRST)


def test_failure_is_in_the_log_file_too(
    outcomes: Mapping[str, tuple[dict[str, str], Outcome]],
) -> None:
    words, outcome = outcomes['metrics port taken, log lines in a file']
    log = (Path(words['folder']) / 'worker.log').read_text()
    message = outcome.err.removeprefix('error: ').strip()
    assert '"level":"error","event":"failed"' in log
    assert message in log
