"""`python -m integration.servers`: fetches, says what is missing, runs and ends servers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from integration.servers import obtain, ports

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, '-m', 'integration.servers']


def test_what_is_there_is_named():
    done = subprocess.run(
        [*COMMAND, 'fetch', 'http'], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stderr == f'HTTP: {sys.executable}\n'


@pytest.mark.parametrize(('require', 'code'), [('', 0), ('1', 1)])
def test_what_can_not_be_had_is_said_and_an_error_only_if_required(tmp_path, require, code):
    # Nothing on PATH, so no apt-get either.
    env = {**os.environ, 'PATH': str(tmp_path), 'DRAKKAR_TEST_REQUIRE': require}
    env['XDG_CACHE_HOME'] = str(tmp_path / 'cache')
    done = subprocess.run(
        [*COMMAND, 'fetch', 'redis', 'http'],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    first, second = done.stderr.splitlines()
    assert first.startswith('Redis: MISSING, its tests will be skipped.')
    assert 'apt-get install redis-server' in first
    assert second.startswith('HTTP: ')


def test_servers_run_until_they_are_told_to_end():
    runner = subprocess.Popen(
        [*COMMAND, 'run', 'http'], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with runner:
        name, url = runner.stdout.readline().split()
        port = int(url.rpartition(':')[2])
        assert name == 'http'
        socket.create_connection((ports.HOST, port), timeout=5).close()
        runner.send_signal(signal.SIGTERM)
        assert runner.wait(10) == 0
    assert ports.is_free(port)


def test_a_step_that_fails_shows_its_output():
    with pytest.raises(obtain.NotObtainableError, match=r'sh exited with 3\n  because'):
        obtain.run_step('Test', 'trying', ['sh', '-c', 'echo because; exit 3'])


def test_a_program_that_is_missing_is_named():
    with pytest.raises(obtain.NotObtainableError, match='no-such-program: No such file'):
        obtain.run_step('Test', 'trying', ['no-such-program'])


def test_the_cache_is_where_the_user_wants_it(monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', '/somewhere')
    assert obtain.cache_dir() == Path('/somewhere/drakkar')
    monkeypatch.delenv('XDG_CACHE_HOME')
    assert obtain.cache_dir() == Path.home() / '.cache' / 'drakkar'
