"""A test that runs too long fails alone, with stacks, wherever it waits."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent

TOO_LONG = """
import time
import gevent

def test_waits_while_others_run():
    def busy():
        while True:
            gevent.sleep(0.001)
    other = gevent.spawn(busy)
    try:
        gevent.spawn(gevent.sleep, 60).join()
    finally:
        other.kill()

def test_blocks_the_hub():
    while True:
        pass

def test_runs_after_them():
    pass
"""


def test_the_limit_ends_the_test_and_only_the_test(tmp_path):
    (tmp_path / 'test_too_long.py').write_text(TOO_LONG)
    command = [sys.executable, '-m', 'gevent.monkey', '--module', 'pytest', str(tmp_path)]
    options = ['-p', 'tests.timeouts', '-p', 'no:cacheprovider', '--timeout', '0.3']
    done = subprocess.run(
        [*command, *options, '--rootdir', str(tmp_path), '-q'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=25,
        check=False,
    )
    assert '2 failed, 1 passed' in done.stdout
    assert 'test_waits_while_others_run ran longer than 0.3 s' in done.stdout
    assert 'test_blocks_the_hub ran longer than 0.3 s' in done.stdout
    # All greenlets' stacks, also those that only wait.
    assert 'in busy' in done.stdout


MAY_TAKE_LONG = """
import pytest, time

@pytest.mark.timeout(20)
def test_takes_long():
    time.sleep(0.5)
"""


def test_a_test_with_a_limit_of_its_own_is_left_alone_until_then(tmp_path):
    (tmp_path / 'test_long.py').write_text(MAY_TAKE_LONG)
    command = [sys.executable, '-m', 'gevent.monkey', '--module', 'pytest', str(tmp_path)]
    options = ['-p', 'tests.timeouts', '-p', 'no:cacheprovider', '-o', 'faulthandler_timeout=0.1']
    done = subprocess.run(
        [*command, *options, '--rootdir', str(tmp_path), '-q'],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert 'most recent call first' not in done.stderr + done.stdout
