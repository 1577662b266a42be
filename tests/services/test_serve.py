"""`drakkar serve` as a real process: how it runs, answers, logs and ends."""

from __future__ import annotations

import json
import re
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.services import packages
from tests.services.server import Server, environ_path, is_running, rows, wait_for
from tests.services.world import run

pytestmark = pytest.mark.timeout(120)  # several processes one after the other, one from pip

# Each run says that it began, and ends when the file `go` is there.
HANDLER = """\
import drakkar.api as dk
from drakkar_sink_filesystem import FilePayload


class Waiting(dk.Handler):
    def arrange(self, messages, pending):
        if messages[0].payload == 'bad window':
            raise ValueError('no window for us')
        return [dk.ExecutorTask(args=[str(m.payload)], source_offsets=[m.offset]) for m in messages]

    def on_task_complete(self, result):
        if result.task.args == ['bad result']:
            raise ValueError('no result for us')
        return [FilePayload('done.jsonl', {'done': result.stdout.strip()})]

    def on_error(self, task, error):
        return dk.SKIP
"""
PROGRAM = """\
#!/bin/sh
echo $$ > "started.$1.part" && mv "started.$1.part" "started.$1"
while [ ! -e go ]; do sleep 0.02; done
echo "$1"
"""
CONFIG = """\
[drakkar]
handler = handlers:Waiting
worker_name = ragnar
cluster_name = north

[log]
path = log

[executor]
binary_path = ./program
kill_grace_seconds = 0.1
retry_backoff_seconds = 0.05

[sinks.filesystem.out]
base_path = results

[dlq]
path = dlq
retry_backoff_seconds = 0.05
retry_backoff_max_seconds = 0.1

[metrics]
host = 127.0.0.1
port = 0

[debug]
port = 0
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A user's folder with a handler, its program and its configuration."""
    (tmp_path / 'drakkar.ini').write_text(CONFIG)
    (tmp_path / 'handlers.py').write_text(HANDLER)
    program = tmp_path / 'program'
    program.write_text(PROGRAM)
    program.chmod(0o755)
    yield tmp_path
    (tmp_path / 'go').touch()  # for programs that a failed test has left behind


def uncommitted(folder: Path) -> int:
    """Return how many messages of the log its group has not committed."""
    with closing(sqlite3.connect(folder / 'log' / 'messages.db', timeout=10)) as log:
        (left,) = log.execute(
            'SELECT SUM(p.next_offset - COALESCE(g.committed, 0)) FROM partitions p '
            'LEFT JOIN group_partitions g ON g.partition = p.partition'
        ).fetchone()
    return int(left)


def started(folder: Path) -> dict[str, int]:
    """Return the pids of the programs that began, by their argument."""
    files = folder.glob('started.*')
    return {f.suffix[1:]: int(f.read_text()) for f in files if f.suffix != '.part'}


def test_sigterm_drains_commits_and_ends_with_0(folder: Path) -> None:
    with Server(folder) as server:
        server.produce(1, 2, 3)
        wait_for(lambda: len(started(folder)) == 3, 'programs running')
        assert server.get('/readyz') == (200, '{"status":"ready","reasons":[]}\n')
        server.signal()
        server.wait_for_line('stopping')
        status, body = server.get('/readyz')
        assert (status, json.loads(body)['reasons']) == (503, ['worker is stopping'])
        assert server.get('/healthz')[0] == 200
        assert server.metric('drakkar_executor_pool_active') == 3
        (folder / 'go').touch()
        assert server.wait() == 0
        assert server.lines()[-1]['event'] == 'stopped'
    assert sorted(row['done'] for row in rows(folder / 'results' / 'done.jsonl')) == ['1', '2', '3']
    assert uncommitted(folder) == 0


def test_second_signal_ends_at_once(folder: Path) -> None:
    with Server(folder) as server:
        server.produce(1, 2)
        programs = wait_for(lambda: len(found := started(folder)) == 2 and found, 'programs')
        server.signal(signal.SIGINT)
        server.wait_for_line('stopping')
        server.signal(signal.SIGINT)
        assert server.wait() == 1
        assert server.wait_for_line('stopping_at_once')['signal'] == 'SIGINT'
    wait_for(lambda: not any(map(is_running, programs.values())), 'programs ended')
    assert rows(folder / 'results' / 'done.jsonl') == []
    assert uncommitted(folder) == 2


def test_drain_that_times_out_ends_with_4_and_says_what_was_left(folder: Path) -> None:
    with Server(folder, '--set', 'executor.drain_timeout_seconds=0.2') as server:
        server.produce(1)
        programs = wait_for(lambda: started(folder), 'programs running')
        assert server.stop() == 4
        message = server.said.splitlines()[-1]
    assert message.startswith('error: drain timed out after 0.2 s; not committed, ')
    assert re.fullmatch(r'.*to be processed again: messages:\d', message)
    assert uncommitted(folder) == 1
    wait_for(lambda: not is_running(programs['1']), 'program ended')
    (folder / 'go').touch()
    with Server(folder) as server:
        wait_for(lambda: uncommitted(folder) == 0, 'the next worker did it')
        assert server.stop() == 0
    assert rows(folder / 'results' / 'done.jsonl') == [{'done': '1'}]


DYING_SOURCE = """\
import drakkar.api as dk


class Options(dk.OptionSchema):
    depth = dk.option.Int(default=1, description='How deep the well is.')


class Well(dk.Source):
    def start(self, events):
        self.depth = 1

    def poll(self, max_messages, timeout):
        return 1 // self.depth.missing

    def pause(self): ...
    def resume(self): ...
    def commit(self, offsets): ...
    def release(self, partitions): ...
    def close(self): ...

    def positions(self):
        return {}


@dk.hookimpl
def drakkar_register_sources():
    return [dk.SourceSpec('well', lambda config, worker: Well(), Options)]
"""


def test_worker_whose_greenlet_dies_ends_with_1(folder: Path) -> None:
    site = packages.install({'well': DYING_SOURCE}, folder / 'packages')
    arguments = ('--set', 'drakkar.source=well')
    with Server(folder, *arguments, env=environ_path(site)) as server:
        assert server.wait() == 1
        died = server.wait_for_line('greenlet_died')
        assert died['greenlet'] == 'poll-loop'
        assert 'AttributeError' in died['exception']
        message = server.said.splitlines()[-1]
    assert message == (
        "error: poll-loop died: AttributeError: 'int' object has no attribute 'missing'"
    )


def test_stalled_worker_is_healthy_but_not_ready_until_it_can_write_again(folder: Path) -> None:
    (folder / 'go').touch()
    with Server(folder) as server:
        server.wait_for_line('running')
        shutil.rmtree(folder / 'dlq', ignore_errors=True)
        for name in ('results', 'dlq'):  # a file where the folder belongs
            (folder / name).write_text('')
        server.produce('x')
        stalled = server.wait_for_line('partition_stalled')
        assert stalled['messages'] == 1
        status, body = server.get('/readyz')
        assert (status, json.loads(body)) == (
            503,
            {
                'status': 'not_ready',
                'reasons': ['1 messages can be neither delivered nor dead-lettered'],
            },
        )
        assert server.get('/healthz') == (200, '{"status":"ok"}\n')
        assert server.metric('drakkar_stalled_offsets') == 1
        assert server.metric('drakkar_dlq_send_failures_total') > 0
        assert uncommitted(folder) == 1
        (folder / 'dlq').unlink()
        (folder / 'dlq').mkdir(exist_ok=True)  # the worker may be faster
        server.wait_for_line('partition_recovered')
        assert server.get('/readyz')[0] == 200
        assert server.metric('drakkar_stalled_offsets') == 0
        assert server.stop() == 0
    (letters,) = (folder / 'dlq').iterdir()
    (letter,) = rows(letters)
    assert letter['sink'] == {'type': 'filesystem', 'name': 'out'}
    assert letter['message']['value'] == '"x"'
    assert uncommitted(folder) == 0


def test_every_log_line_has_its_fields(folder: Path) -> None:
    (folder / 'go').touch()
    with Server(folder) as server:
        server.produce('bad result')
        task = server.wait_for_line('hook_failed')
        server.produce('bad window')
        wait_for(lambda: len(server.lines('hook_failed')) > 1, 'second failure')
        assert server.stop() == 0
        lines = server.lines()
        assert len(lines) == len(server.said.splitlines())
    for line in lines:
        assert list(line)[:4] == ['time', 'level', 'event', 'logger']
        assert (line['worker'], line['cluster'], line['group']) == ('ragnar', 'north', 'drakkar')
        assert line['time'].endswith('Z')
    assert task['hook'] == 'on_task_complete'
    assert task['task_id']
    assert 'ValueError: no result for us' in task['exception']
    window = next(line for line in lines if line.get('hook') == 'arrange')
    assert isinstance(window['partition'], int)
    assert lines[0]['event'] == 'starting'
    assert lines[-1]['event'] == 'stopped'


def test_flags_win_over_the_environment_and_that_over_the_file(folder: Path) -> None:
    env = {'DK_EXECUTOR__MAX_RETRIES': '5', 'DK_EXECUTOR__WINDOW_SIZE': '6'}
    shown = run(
        folder,
        *('config', 'show', '-c', 'drakkar.ini', '--json', '--set', 'executor.window_size=7'),
        env=env,
    )
    options = json.loads(shown.out)['sections']['executor']
    assert [options[name] for name in ('max_executors', 'max_retries', 'window_size')] == [
        {'value': 4, 'origin': 'default'},
        {'value': 5, 'origin': 'DK_EXECUTOR__MAX_RETRIES'},
        {'value': 7, 'origin': '--set executor.window_size'},
    ]
    assert options['binary_path']['origin'].startswith('drakkar.ini:')
