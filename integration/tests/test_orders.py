"""Orders to a native stack that runs, ends or was killed: status, logs, services."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from integration.stack.program import ROOT
from integration.stack.services import names
from integration.tests.environment import Environment, eventually, obtain_servers
from integration.tests.processes import MARK, marked

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope='module')
def temporary() -> Iterator[Path]:
    """A folder for temporary files, which PostgreSQL's user may enter."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@pytest.fixture(scope='module')
def stack(temporary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    obtain_servers()
    variables = {'TMPDIR': str(temporary), MARK: str(temporary)}
    with Environment(tmp_path_factory.mktemp('stack'), '--no-web-uis', **variables) as environment:
        yield environment


def status(stack: Environment) -> dict[str, Any]:
    code, told, _ = stack.told('status', '--json')
    assert code == 0
    found: dict[str, Any] = json.loads(told)['services']
    return found


def unchanged(stack: Environment) -> dict[str, Any]:
    """Return what only an order changes; whether a service is ready, a slow moment may."""
    return {name: found | {'ready': None} for name, found in status(stack).items()}


def test_the_table_of_places_is_printed_at_the_end(stack: Environment) -> None:
    told = stack.log().splitlines()
    end = told.index('stack: ready; Ctrl-C ends everything')
    # Logs of services may come between its lines.
    table = '\n'.join([line for line in told[:end] if line.startswith('stack: ')][-20:])
    assert f'http://localhost:{stack.ports["worker-1-debug"]}' in table
    assert '\x1b' not in stack.log()


def test_status_says_what_is_ready_and_where(stack: Environment) -> None:
    code, told, _ = stack.told('status')
    assert code == 0
    rows = {line.split()[0]: line.split() for line in told.splitlines() if line[0] != ' '}
    assert set(rows) == {'service', *names()}
    address = f'localhost:{stack.ports["kafka"]}'
    assert rows['kafka'][1] == 'ready'
    assert rows['kafka'][3] == address
    assert psutil.Process(int(rows['kafka'][2])).name() == 'java'
    assert rows['producer'] == ['producer', '-']
    assert f'http://localhost:{stack.ports["worker-1-webapp"]}/process' in told


def test_status_is_there_for_scripts(stack: Environment) -> None:
    found = status(stack)
    assert list(found) == names()
    worker = found['worker-1']
    assert (worker['running'], worker['ready']) == (True, True)
    assert 'drakkar' in psutil.Process(worker['pid']).cmdline()
    assert Path(worker['log']).exists()
    debug = {'at': f'http://localhost:{stack.ports["worker-1-debug"]}', 'what': 'debug UI'}
    assert debug in worker['places']
    assert found['producer']['pid'] is None


def test_who_hangs_is_not_ready(stack: Environment) -> None:
    redis = psutil.Process(status(stack)['redis']['pid'])
    redis.suspend()
    try:
        found = status(stack)['redis']
        assert (found['running'], found['ready']) == (True, False)
        assert 'not ready' in stack.told('status')[1]
    finally:
        redis.resume()
    eventually(lambda: status(stack)['redis']['ready'], 20, 'Redis goes on')


def test_logs_of_one_service_are_its_own_lines(stack: Environment) -> None:
    log = stack.state / 'logs' / 'worker-1.log'
    before = log.read_text()
    code, told, errors = stack.told('logs', 'worker-1')
    assert (code, errors) == (0, '')
    # The worker may write meanwhile.
    assert before
    assert told.startswith(before)
    assert log.read_text().startswith(told)
    # These say nothing of their own accord.
    code, told, _ = stack.told('logs', '-n', '2', 'redis', 'postgres')
    assert code == 0
    starts = [line[:11] for line in told.splitlines()]
    assert starts == ['postgres | '] * 2 + ['redis    | '] * 2


def test_logs_are_followed(stack: Environment) -> None:
    words = ['--state', str(stack.state), 'logs', '-f', '-n', '0', 'load_generator']
    command = [sys.executable, '-m', 'integration.stack', *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as reader:
        try:
            assert reader.stdout is not None
            stack.tell('start', 'load_generator', 'INTERVAL_SECONDS=0.2')
            lines = [reader.stdout.readline() for _ in range(5)]
            stack.tell('stop', 'load_generator')
        finally:
            reader.terminate()
    assert all('-> ' in line for line in lines)
    assert '-> 429' in lines[-1]


@pytest.mark.parametrize(
    ('words', 'error'),
    [
        (['logs', 'worker-9'], "no service 'worker-9'; there are: kafka, postgres, "),
        (['stop', 'worker-9'], "no service 'worker-9'; there are: kafka, postgres, "),
        (['stop', 'producer'], 'producer does not run'),
        (['kill', 'producer'], 'producer does not run'),
        (['start', 'worker-2'], 'worker-2 runs already'),
        (['start', 'producer', 'TOTAL_MESSAGES'], 'TOTAL_MESSAGES: not NAME=VALUE'),
        (['restart', 'redis', 'A=b'], 'redis takes no variables; those that do: worker-1, '),
        (['up', '--free'], 'a stack runs already, its folder is '),
    ],
    ids=lambda value: ' '.join(value) if isinstance(value, list) else '',
)
def test_what_can_not_be_done_is_one_line(stack: Environment, words: list[str], error: str) -> None:
    before = unchanged(stack)
    code, told, errors = stack.told(*words)
    assert (code, told) == (1, '')
    assert errors.startswith(f'integration: {error}')
    assert errors.count('\n') == 1
    assert unchanged(stack) == before


def test_restart_starts_what_does_not_run(stack: Environment) -> None:
    stack.tell('restart', 'load_generator')
    assert stack.control.running('load_generator')
    stack.tell('kill', 'load_generator')
    assert not stack.control.running('load_generator')


def test_garbage_does_not_end_the_stack(stack: Environment) -> None:
    for garbage in (b'', b'{\n', b'[]\n', b'{"action": "fly", "service": "redis"}\n'):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(stack.state / 'control.sock'))
            connection.sendall(garbage)
            connection.shutdown(socket.SHUT_WR)
            connection.makefile('rb').read()
    assert status(stack)['redis']['running']


def test_a_killed_stack_leaves_nothing_but_its_logs(stack: Environment, temporary: Path) -> None:
    """The last test: it ends the stack, with a service stopped and one that never started."""
    stack.tell('stop', 'worker-3')
    assert len(marked(temporary)) > 10
    words = ['--state', str(stack.state), 'logs', '-f', 'worker-1', 'worker-2']
    command = [sys.executable, '-m', 'integration.stack', *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as reader:
        try:
            stack.kill()
            told, _ = reader.communicate(timeout=60)
            assert reader.returncode == 0
        finally:
            reader.kill()
    assert told.startswith('worker-1 | ')
    eventually(lambda: not marked(temporary), 30, lambda: f'the end of {marked(temporary)}')
    eventually(lambda: not os.listdir(temporary), 30, lambda: f'none of {os.listdir(temporary)}')
    assert stack.told('logs', '-n', '1', 'kafka')[0] == 0
    assert stack.told('status') == (1, '', f'integration: no stack runs at {stack.state}\n')
