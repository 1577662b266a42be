"""`drakkar produce`, from the command line's outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import gevent
import pytest
from click.testing import CliRunner, Result

from drakkar.cli.main import cli
from drakkar.source.log.append import partition_of
from drakkar.source.log.store import LogStore

HANDLER = """\
import drakkar.api as dk


class Idle(dk.Handler):
    def arrange(self, messages, pending):
        return []
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv('DK_CONFIG', raising=False)
    (tmp_path / 'idle_of_produce_test.py').write_text(HANDLER)
    (tmp_path / 'd.ini').write_text(
        '[drakkar]\nhandler = idle_of_produce_test:Idle\n[log]\npath = log\npartitions = 4\n'
    )
    return tmp_path


def run(*args: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(cli, ['produce', '-c', 'd.ini', *args], input=stdin)


def stored() -> list[tuple[int, bytes | None, bytes]]:
    """Partition, key and value of everything in the log."""
    store = LogStore('log', partitions=4)
    store.open()
    rows = store.run(
        lambda c: c.execute('SELECT id >> 48, key, value FROM messages ORDER BY id').fetchall()
    )
    store.close()
    return rows


def values() -> list[bytes]:
    return sorted(value for _, _, value in stored())


def test_lines_of_stdin_as_they_are(folder):
    result = run(stdin='{"a": 1}\n\n  {"a":  2}\r\n[3]')
    assert result.exit_code == 0, result.output
    assert values() == [b'[3]', b'{"a":  2}', b'{"a": 1}']
    assert result.stdout.startswith('3 messages written to source log in ')


def test_lines_of_a_file_repeated_with_a_key(folder):
    (folder / 'in.jsonl').write_text('{"id": "x"}\n{"id": 7}\n')
    result = run('in.jsonl', '--key-field', 'id', '--repeat', '3', '--json')
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert (summary['written'], summary['skipped'], summary['error']) == (6, 0, '')
    assert sum(summary['partitions'].values()) == 6
    assert {(p, key) for p, key, _ in stored()} == {
        (partition_of(b'x', 4), b'x'),
        (partition_of(b'7', 4), b'7'),
    }


def test_raw_lines_to_one_partition(folder):
    result = run('--raw', '--partition', '2', stdin=b'no json\n\n\xff\n')
    assert result.exit_code == 0, result.output
    assert stored() == [(2, None, b'no json'), (2, None, b''), (2, None, b'\xff')]


@pytest.mark.parametrize(
    ('line', 'args', 'problem'),
    [
        ('{oops', [], 'not JSON'),
        ('{"other": 1}', ['--key-field', 'id'], "no field 'id' for the key"),
        ('[1]', ['--key-field', 'id'], 'not a JSON object'),
    ],
)
def test_a_bad_line_stops_and_says_what_is_written(folder, line, args, problem):
    good = '{"id": 1}'
    result = run(*args, stdin=f'{good}\n{good}\n{line}\n{good}\n')
    assert result.exit_code == 1
    assert f'error: stdin line 3: {problem}' in result.stderr
    assert line in result.stderr
    assert 'stopped: 2 messages written' in result.stderr
    assert values() == [b'{"id": 1}'] * 2


def test_a_bad_line_is_skipped_when_asked(folder):
    bad = ''.join('oops\n' for _ in range(12))
    result = run('--skip-invalid', '--json', stdin=f'1\n{bad}2\n')
    assert result.exit_code == 0
    assert json.loads(result.stdout)['skipped'] == 12
    assert result.stderr.count('skipped: stdin line') == 10
    assert values() == [b'1', b'2']


def test_json_summary_of_a_failure(folder):
    result = run('--json', stdin='1\noops\n')
    assert result.exit_code == 1
    summary = json.loads(result.stdout)
    assert summary['written'] == 1
    assert 'stdin line 2' in summary['error']


def test_more_than_one_chunk_and_one_batch(folder):
    lines = [b'"%06d %s"' % (n, b'x' * 200) for n in range(3000)]
    (folder / 'in.jsonl').write_bytes(b'\n'.join(lines))
    assert run('in.jsonl').exit_code == 0
    assert values() == lines


def test_rate_is_kept(folder):
    result = run('--rate', '50', '--json', stdin='1\n' * 16)
    assert result.exit_code == 0
    assert json.loads(result.stdout)['seconds'] >= 0.2


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['nowhere.jsonl'], 'nowhere.jsonl'),
        (['--raw', '--key-field', 'id'], 'exclude each other'),
        (['--repeat', '2'], 'stdin can be read only once'),
        (['--rate', '0'], '--rate'),
        (['--partition', '4'], 'partition 4 does not exist: the log has 0 to 3'),
        (['--set', 'log.partitions=none'], 'partitions'),
    ],
)
def test_wrong_usage_writes_nothing(folder, args, message):
    result = run(*args, stdin='1\n')
    assert result.exit_code == 2
    assert message in result.stderr
    assert not Path('log').exists() or values() == []


def test_a_log_that_can_not_be_opened(folder):
    (folder / 'log').write_text('a file')
    result = run(stdin='1\n')
    assert result.exit_code == 3
    assert 'error: log directory log:' in result.stderr


def test_a_slow_pipe_is_passed_on_as_it_comes_and_ctrl_c_ends_it(folder, until_true):
    environment = {**os.environ, 'PYTHONPATH': f'{Path.cwd()}:{Path(__file__).parents[2]}'}
    with subprocess.Popen(
        [sys.executable, '-m', 'drakkar', 'produce', '-c', 'd.ini'],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as process:
        for expected in ([b'1'], [b'1', b'2']):
            process.stdin.write(expected[-1] + b'\n')
            process.stdin.flush()
            until_true(lambda e=expected: Path('log/messages.db').exists() and values() == e)
        process.send_signal(2)
        assert process.wait(timeout=10) == 130
        # The second may have been on its way to the count.
        assert process.stderr.read().startswith((b'stopped: 1 message ', b'stopped: 2 messages '))


@pytest.fixture
def until_true():
    def wait(condition):
        with gevent.Timeout(20, AssertionError('condition never came true')):
            while not condition():
                gevent.sleep(0.05)

    return wait
