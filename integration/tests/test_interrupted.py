"""A native stack that is killed or interrupted while it fetches or starts something."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from integration.servers import obtain
from integration.stack.program import ROOT
from integration.tests.environment import eventually, obtain_servers
from integration.tests.processes import MARK, marked

pytestmark = pytest.mark.timeout(400)

# Fetches for ever, by a process of its own, and has brought a part already.
_MAVEN = """\
#!/bin/sh
touch "$(dirname "$4")/kafka_2.13-half.jar"
sleep 1000 &
wait
"""


class Up:
    """A stack that starts, with its own temporary folder, cache and programs."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        self.temporary = folder / 'tmp'
        self.state = folder / 'state'
        self.cache = folder / 'cache'
        self.log = folder / 'up.log'
        self.variables = {**os.environ, 'TMPDIR': str(self.temporary), MARK: str(folder)}
        self._words = ['up', '--free', '--no-load', '--no-web-uis', *words]
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self, until: str) -> None:
        """Start it and wait until it has said something."""
        command = [sys.executable, '-m', 'integration.stack', '--state', str(self.state)]
        with self.log.open('wb') as output:
            self._process = subprocess.Popen(
                [*command, *self._words], cwd=ROOT, env=self.variables, stdout=output, stderr=output
            )
        eventually(lambda: until in self.log.read_text(), 120, lambda: self.log.read_text())

    def end(self, signum: signal.Signals) -> int:
        """Send a signal to it alone; return the exit code."""
        assert self._process is not None
        self._process.send_signal(signum)
        code = self._process.wait(90)
        eventually(lambda: not marked(self.folder), 30, lambda: f'the end of {marked(self.folder)}')
        return code

    def close(self) -> None:
        """Kill what a test that failed has left."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def left(self) -> list[str]:
        """Return the temporary files there are."""
        return os.listdir(self.temporary)


@pytest.fixture
def up() -> Iterator[Up]:
    obtain_servers()
    # Where PostgreSQL's user may enter, other than in pytest's folder.
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        made = Up(Path(name))
        made.temporary.mkdir()
        made.temporary.chmod(0o711)
        with closing(made):
            yield made


@pytest.fixture
def fetching(up: Up) -> Up:
    """The same with an empty cache and a Maven that does not come to its end."""
    programs = up.folder / 'bin'
    programs.mkdir()
    maven = programs / 'mvn'
    maven.write_text(_MAVEN)
    maven.chmod(0o755)
    up.variables.pop('KAFKA_HOME', None)
    up.variables['XDG_CACHE_HOME'] = str(up.cache)
    up.variables['PATH'] = f'{programs}{os.pathsep}{up.variables["PATH"]}'
    return up


def half(up: Up) -> list[Path]:
    return list(up.cache.rglob('*half.jar'))


@pytest.mark.parametrize(('signum', 'code'), [(signal.SIGKILL, -9), (signal.SIGINT, 0)])
def test_what_was_fetched_by_half_is_not_there(
    fetching: Up, signum: signal.Signals, code: int
) -> None:
    for _ in range(2):  # the second time finds no Kafka either
        fetching.begin('Kafka: fetching Apache Kafka')
        eventually(lambda: half(fetching), 30, 'a part of it')
        assert fetching.end(signum) == code
        assert not any(fetching.cache.glob('kafka-*[0-9]'))
        eventually(lambda: not fetching.left(), 20, lambda: f'none of {fetching.left()}')


@pytest.mark.parametrize(
    'moment', ['starting servers', 'topics: ', 'starting workers', 'ready to accept connections']
)
def test_a_start_that_is_killed_leaves_nothing(up: Up, moment: str) -> None:
    up.begin(moment)
    assert up.end(signal.SIGKILL) == -9
    eventually(lambda: not up.left(), 20, lambda: f'none of {up.left()}')


def test_after_a_kill_the_next_start_works_and_ctrl_c_ends_it(up: Up) -> None:
    up.begin('starting servers')
    up.end(signal.SIGKILL)
    up.begin('starting workers')
    assert up.end(signal.SIGINT) == 0
    assert up.left() == []
    assert 'Traceback' not in up.log.read_text()
    assert not (up.state / 'control.sock').exists()


def test_a_folder_of_something_else_is_not_removed(up: Up) -> None:
    up.state.mkdir()
    (up.state / 'thesis.tex').touch()
    up.begin(f'integration: {up.state} is not empty and no folder of a stack')
    assert (up.state / 'thesis.tex').exists()


def test_an_environment_without_its_end_does_not_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    python = obtain.wheel_folder('some-wheel==1') / 'bin' / 'python'
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    assert obtain.wheel_python_found('some-wheel==1') is None
    (obtain.wheel_folder('some-wheel==1') / 'complete').touch()
    assert obtain.wheel_python_found('some-wheel==1') == python


def test_a_step_has_its_temporary_files_for_itself(tmp_path: Path) -> None:
    obtain.run_step('Test', 'trying', ['sh', '-c', f'mktemp > {tmp_path}/name'])
    name = Path((tmp_path / 'name').read_text().strip())
    assert name.parent.name.startswith('drakkar-fetch-')
    assert not name.parent.exists()
