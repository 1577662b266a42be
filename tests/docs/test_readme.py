"""What the README tells a new user to do, done."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import gevent
import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r'^```(\w+)\n(.*?)^```', re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the README's handler, its configuration and its test."""
    blocks = BLOCK.findall((ROOT / 'README.md').read_text())
    handler, test = [text for language, text in blocks if language == 'python']
    (ini,) = [text for language, text in blocks if language == 'ini']
    (tmp_path / 'handlers.py').write_text(handler)
    (tmp_path / 'test_handlers.py').write_text(test)
    (tmp_path / 'drakkar.ini').write_text(ini)
    return tmp_path


def drakkar(folder: Path, *arguments: str, stdin: str = '') -> subprocess.CompletedProcess[str]:
    command = [sys.executable, '-m', 'drakkar', *arguments]
    return subprocess.run(
        command, cwd=folder, input=stdin, capture_output=True, text=True, check=False, timeout=25
    )


def test_the_first_handler_works_as_the_readme_says(folder: Path) -> None:
    checked = drakkar(folder, 'config', 'check', '-c', 'drakkar.ini')
    assert checked.returncode == 0, checked.stderr
    line = '{"path": "/etc/passwd"}\n'
    produced = drakkar(folder, 'produce', '-c', 'drakkar.ini', '-', stdin=line)
    assert produced.returncode == 0, produced.stderr
    results = folder / 'data/results/counts.jsonl'
    worker = subprocess.Popen(
        [sys.executable, '-m', 'drakkar', 'serve', '-c', 'drakkar.ini'],
        cwd=folder,
        env={**os.environ, 'DK_METRICS__PORT': '0', 'DK_DEBUG__PORT': '0'},
        stderr=subprocess.PIPE,
    )
    try:
        with gevent.Timeout(20, TimeoutError('no results')):
            while not results.exists():
                assert worker.poll() is None, worker.communicate()[1]
                gevent.sleep(0.05)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=20) == 0, worker.communicate()[1]
    finally:
        worker.kill()
        worker.communicate()
    counted = json.loads(results.read_text())
    words = len(Path('/etc/passwd').read_text().split())
    assert counted == {'path': '/etc/passwd', 'words': words}


def test_the_readmes_test_passes(folder: Path) -> None:
    command = [sys.executable, '-m', 'gevent.monkey', '--module', 'pytest', '-q', '-p']
    run = subprocess.run(
        [*command, 'no:cacheprovider', 'test_handlers.py'],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=25,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_page_it_links_to_exists() -> None:
    links = re.findall(r'\]\(([^)#:]+)\)', (ROOT / 'README.md').read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
