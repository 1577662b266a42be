"""`drakkar demo` as a real process: its figures against its files, on a terminal and without."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import termios
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent.os import tp_read

WORDS = Path(os.__file__).parent / 'json'  # real files, and few of them
DEMO = [sys.executable, '-m', 'drakkar', 'demo', '--path', str(WORDS), '--messages', '30']

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        not shutil.which('rg', path=f'{os.environ["PATH"]}:{Path(sys.executable).parent}'),
        reason='ripgrep is not installed',
    ),
]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    mine = {k: v for k, v in os.environ.items() if not k.startswith('DK_')}
    root = str(Path(__file__).parents[2])
    return {**mine, 'PYTHONPATH': root, 'COLUMNS': '100', 'PYTHONDONTWRITEBYTECODE': '1'}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_figures_add_up_with_the_result_files(tmp_path: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [*DEMO, '--no-stay', '--json'],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, '')
    figures = json.loads(done.stdout)
    results = Path(figures['results'])
    searches, summaries = lines(results / 'results.jsonl'), lines(results / 'summaries.jsonl')
    large = lines(results / 'large.jsonl')
    assert sorted(s['request_id'] for s in summaries) == [f'demo-{n:05d}' for n in range(1, 31)]
    assert (figures['messages'], figures['tasks']) == (30, len(searches))
    assert figures['payloads_delivered'] == len(searches) + len(summaries) + len(large)
    assert (figures['failures'], figures['dead_letters']) == (0, 0)
    assert 0 < figures['retries'] < len(searches)
    assert 0 < figures['task_p50_ms'] <= figures['task_p95_ms'] <= figures['task_p99_ms']

    found: Counter[str] = Counter()
    for search in searches:
        for request_id in search['request_ids']:
            found[request_id] += search['match_count']
    assert found == Counter({s['request_id']: s['match_count'] for s in summaries})
    for search in searches:
        if Path(search['path']).is_file():  # what Python's own search finds there
            text = Path(search['path']).read_text()
            expected = sum(bool(re.search(search['pattern'], line)) for line in text.splitlines())
            assert search['match_count'] == expected, search['pattern']
    run = results.parent
    assert {path.name for path in run.iterdir()} >= {'drakkar.ini', 'log', 'results', 'worker.log'}
    assert all(json.loads(line)['event'] for line in (run / 'worker.log').read_text().splitlines())


def test_a_second_run_takes_its_searches_from_the_cache(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    def run(*arguments: str) -> dict[str, Any]:
        done = subprocess.run(
            [*DEMO, '--no-stay', '--json', *arguments],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
            timeout=60,
        )
        figures: dict[str, Any] = json.loads(done.stdout)
        return figures

    first, second, third = run(), run(), run()
    assert first['from_cache'] < first['tasks'] / 2
    assert second['from_cache_percent'] > 95
    # A run takes so short a time that the machine may have been busy for all of one.
    assert max(r['tasks_per_second'] for r in (second, third)) > first['tasks_per_second']
    assert run('--no-cache')['from_cache'] == 0


def test_its_configuration_runs_again_as_a_worker(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    done = subprocess.run(
        [*DEMO, '--no-stay'],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    command = done.stdout.splitlines()[-1].partition('again, as a worker: ')[2].split()
    assert command[:2] == ['drakkar', 'serve']
    worker = subprocess.Popen(
        [sys.executable, '-m', *command], env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        assert worker.stderr is not None
        with gevent.Timeout(60, AssertionError('it does not say where to look')):
            line = next(line for line in worker.stderr if '"url"' in line)
        with urllib.request.urlopen(json.loads(line)['url'], timeout=20) as page:
            assert 'Dashboard' in page.read().decode()
        worker.terminate()
        with gevent.Timeout(30, AssertionError('it does not end')):
            assert worker.communicate()
        assert worker.returncode == 0
    finally:
        worker.kill()
        worker.wait()


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        self._master, self._slave = pty.openpty()
        self.shown = ''
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env={**environment, 'TERM': 'xterm'},
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            preexec_fn=self._take_terminal,
        )

    def _take_terminal(self) -> None:
        """In the new process: be the one that Ctrl-C on this terminal means."""
        os.setsid()
        fcntl.ioctl(self._slave, termios.TIOCSCTTY, 0)

    def read_until(self, text: str) -> None:
        """Read what is shown until `text` is. Raises AssertionError."""
        with gevent.Timeout(60, AssertionError(f'{text!r} is not shown:\n{self.shown}')):
            while text not in self.shown:
                self.shown += tp_read(self._master, 4096).decode(errors='replace')

    def press(self, key: bytes) -> None:
        os.write(self._master, key)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._slave)
        os.close(self._master)


def test_on_a_terminal_it_stays_up_until_ctrl_c(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    terminal = Terminal(DEMO, tmp_path, environment)
    try:
        terminal.read_until('Ctrl-C ends it.')
        (address,) = re.findall(r'metrics: (http://127\.0\.0\.1:\d+/metrics)', terminal.shown)
        with urllib.request.urlopen(address, timeout=20) as answer:
            text = answer.read().decode()
        assert re.search(r'^drakkar_messages_consumed_total(\{.*\})? ', text, re.MULTILINE)
        assert terminal.process.poll() is None
        assert '30/30 messages' in re.sub(r'\x1b\[[0-9;?]*[a-zA-Z]', '', terminal.shown)
        terminal.press(b'\x03')
        with gevent.Timeout(30, AssertionError('it does not end')):
            assert terminal.process.wait() == 0
    finally:
        terminal.close()
    assert 'Traceback' not in terminal.shown


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--messages', '0'], 'is not in the range'),
        (['--path', 'nowhere'], 'nowhere is not a folder'),
        (['--path', '.'], 'has no files to search'),
        (['--data', 'file/data'], '--data file/data can not be written: Not a directory'),
    ],
)
def test_wrong_usage_makes_nothing(
    tmp_path: Path, environment: dict[str, str], arguments: list[str], message: str
) -> None:
    (tmp_path / 'file').write_text('')
    done = subprocess.run(
        [*DEMO, *arguments], cwd=tmp_path, env=environment, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, b'')
    assert message in done.stderr.decode()
    assert [path.name for path in tmp_path.iterdir()] == ['file']
