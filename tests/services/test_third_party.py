"""A sink of somebody else: a package outside this tree, installed by pip, used by its section."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.services import packages
from tests.services.server import Server, environ_path, rows, wait_for
from tests.services.world import run

pytestmark = pytest.mark.timeout(120)  # pip, and several processes after it

# All of it.
SINK = """\
import drakkar.api as dk


class LinePayload(dk.Payload):
    sink_type = 'line'


class LineOptions(dk.OptionSchema):
    path = dk.option.Path(required=True, description='File that receives one line a payload.')


class LineSink(dk.Sink):
    idempotent = False

    def connect(self):
        self.file = open(self.options.path, 'a')

    def deliver(self, payloads):
        self.file.writelines(f'{p.json()}\\n' for p in payloads)
        self.file.flush()

    def close(self):
        self.file.close()


@dk.hookimpl
def drakkar_register_sinks():
    return [dk.SinkSpec('line', LineSink, LinePayload, LineOptions, label='Line file')]
"""
HANDLER = """\
import drakkar.api as dk
from drakkar_line import LinePayload


class Lengths(dk.Handler):
    def arrange(self, messages, pending):
        return [
            dk.ExecutorTask(stdin=m.payload['text'], source_offsets=[m.offset], labels=m.payload)
            for m in messages
        ]

    def on_task_complete(self, result):
        length = int(result.stdout)
        sink = 'long' if length > 3 else 'out'
        return [LinePayload({'text': result.task.labels['text'], 'length': length}, sink=sink)]
"""
CONFIG = """\
[drakkar]
handler = handlers:Lengths

[log]
path = log

[executor]
binary_path = ./length

[sinks.line.out]
path = out.jsonl

[sinks.line.long]
path = long.jsonl
batch_max = 10

[metrics]
host = 127.0.0.1
port = 0

[debug]
port = 0
"""


@pytest.fixture
def site(tmp_path: Path) -> dict[str, str]:
    """The environment in which the sink's package is installed."""
    (tmp_path / 'handlers.py').write_text(HANDLER)
    (tmp_path / 'drakkar.ini').write_text(CONFIG)
    program = tmp_path / 'length'
    program.write_text('#!/bin/sh\nexec wc -c\n')
    program.chmod(0o755)
    return environ_path(packages.install({'line': SINK}, tmp_path / 'packages'))


def test_it_works_with_no_change_here(tmp_path: Path, site: dict[str, str]) -> None:
    with Server(tmp_path, env=site) as server:
        server.produce({'text': 'odin'}, {'text': 'tyr'}, {'text': 'freyja'})
        wait_for(lambda: server.metric('drakkar_sink_payloads_delivered_total') == 3, 'delivery')
        assert server.stop() == 0
    assert rows(tmp_path / 'out.jsonl') == [{'text': 'tyr', 'length': 3}]
    long = rows(tmp_path / 'long.jsonl')
    assert sorted(row['text'] for row in long) == ['freyja', 'odin']


def test_its_options_are_checked_and_documented(tmp_path: Path, site: dict[str, str]) -> None:
    listed = run(tmp_path, 'plugins', env=site).out.splitlines()
    assert 'line\tdrakkar-line\t0.7\tloaded\tsink line' in listed
    assert '`[sinks.line.NAME]`' in run(tmp_path, 'config', 'docs', env=site).out
    wrong = ['--set', 'sinks.line.out.pth=x', '--set', 'sinks.line.more.batch_max=0']
    answer = run(tmp_path, 'config', 'check', '-c', 'drakkar.ini', *wrong, env=site)
    assert answer.code == 2
    assert [line.partition(' known in')[0] for line in answer.err.splitlines()] == [
        'error: --set sinks.line.more.batch_max: [sinks.line.more] batch_max = 0: '
        'expected a whole number, at least 1',
        'error: --set sinks.line.out.pth: unknown option, did you mean sinks.line.out.path?',
        'error: drakkar.ini: [sinks.line.more] path: missing, it is required; expected a path '
        '(File that receives one line a payload.)',
    ]


def test_it_says_where_it_can_not_connect(tmp_path: Path, site: dict[str, str]) -> None:
    arguments = ('--set', 'sinks.line.out.path=no/such.jsonl', '--set', 'sinks.connect_attempts=1')
    answer = run(tmp_path, 'serve', '-c', 'drakkar.ini', *arguments, env=site)
    assert answer.code == 3
    assert answer.err.splitlines()[-1] == (
        'error: [sinks.line.out] could not connect: FileNotFoundError: '
        "[Errno 2] No such file or directory: 'no/such.jsonl'"
    )
