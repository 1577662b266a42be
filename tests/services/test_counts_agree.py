"""What the UI, the metrics, the recorder and the sinks say of one run is the same, to the one."""

from __future__ import annotations

import json
import sqlite3
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.services.server import Server, rows, wait_for
from tests.services.world import run

MESSAGES = 1000
HANDLER = """\
import drakkar.api as dk
from drakkar_sink_filesystem import FilePayload


class Mixed(dk.Handler):
    def arrange(self, messages, pending):
        return [task for message in messages for task in self.tasks(message)]

    def tasks(self, message):
        number, do = message.payload['n'], message.payload['do']
        ready = dk.PrecomputedResult(stdout='known') if do == 'known' else None
        return [
            dk.ExecutorTask(
                args=[do, str(number)], source_offsets=[message.offset], precomputed=ready
            )
            for _ in range(3 if do == 'fan' else 1)
        ]

    def on_task_complete(self, result):
        do, number = result.task.args
        path = 'taken' if do == 'undeliverable' else f'{do}.jsonl'
        copies = 2 if do == 'fan' else 1
        return [FilePayload(path, {'n': int(number)}, sink='results')] * copies

    def on_message_complete(self, group):
        row = {'offset': group.source_message.offset, 'failed': group.failed}
        return [FilePayload('audit.jsonl', row, sink='audit')]

    def on_error(self, task, error):
        do, number = task.args
        if do == 'replace':
            return [dk.ExecutorTask(args=['ok', number], source_offsets=task.source_offsets)]
        return {'retry': dk.RETRY, 'skip': dk.SKIP}.get(do, dk.DLQ)
"""
PROGRAM = """\
#!/bin/sh
case "$1" in
    fail | skip | replace) exit 3 ;;
    retry) mkdir "tried.$2" 2>/dev/null && exit 75 ;;
esac
echo "$2"
"""
CONFIG = """\
[drakkar]
handler = handlers:Mixed
worker_name = ragnar

[log]
path = log
partitions = 4

[executor]
binary_path = ./program
retry_backoff_seconds = 0.01

[sinks.filesystem.results]
base_path = results

[sinks.filesystem.audit]
base_path = audit

[dlq]
path = dlq

[metrics]
host = 127.0.0.1
port = 0

[debug]
port = 0
db_dir = recorded
"""


def what(number: int) -> str:
    """Return what becomes of a message."""
    rare = {3: 'skip', 13: 'undeliverable', 23: 'replace', 33: 'unreadable', 43: 'known'}
    often = {0: 'fan', 1: 'retry', 2: 'fail'}
    return rare.get(number % 100) or often.get(number % 10, 'ok')


CHOSEN = Counter(map(what, range(MESSAGES)))
LETTERS = CHOSEN['fail'] + CHOSEN['undeliverable'] + CHOSEN['unreadable']
COMPLETED = {
    'fan': 3 * CHOSEN['fan'],
    'ok': CHOSEN['ok'] + CHOSEN['replace'],
    'retry': CHOSEN['retry'],
    'undeliverable': CHOSEN['undeliverable'],
}
FAILED = CHOSEN['retry'] + CHOSEN['fail'] + CHOSEN['skip'] + CHOSEN['replace']
LINES = {
    'fan': 2 * COMPLETED['fan'],  # each task returns two payloads
    'ok': COMPLETED['ok'],
    'retry': COMPLETED['retry'],
    'known': CHOSEN['known'],
}
RESULTS = sum(LINES.values())
AUDITS = MESSAGES - CHOSEN['unreadable']


class Said:
    """What the parts of a worker said when all was done."""

    def __init__(self, server: Server) -> None:
        port = server.wait_for_line('running')['debug_port']
        self._ui = f'http://127.0.0.1:{port}/api'
        self._server = server
        wait_for(self._is_done, 'all messages committed', 60)
        self.dashboard = self._ask('dashboard')
        self.partitions = self._ask('partitions')['partitions']
        self.sinks = {sink['name']: sink for sink in self._ask('sinks')['sinks']}
        self._samples = [
            sample
            for family in text_string_to_metric_families(server.get('/metrics')[1])
            for sample in family.samples
        ]
        assert server.stop() == 0

    def _ask(self, path: str) -> Any:
        with urllib.request.urlopen(f'{self._ui}/{path}', timeout=10) as answer:
            return json.load(answer)

    def _is_done(self) -> bool:
        found = self._ask('partitions')['partitions']
        return len(found) == 4 and sum(p['committed'] or 0 for p in found) == MESSAGES

    def metric(self, name: str, **labels: str) -> int:
        """Return the sum of the series of a metric that have these labels."""
        return round(
            sum(
                sample.value
                for sample in self._samples
                if sample.name == f'drakkar_{name}' and labels.items() <= sample.labels.items()
            )
        )

    def query(self, sql: str) -> list[Any]:
        """Ask the recorded events."""
        (file,) = self._server.folder.glob('recorded/ragnar-2*.db')
        with closing(sqlite3.connect(file)) as recorded:
            return recorded.execute(sql).fetchall()

    def events(self, query: str) -> Any:
        """Return the value of an aggregate over the recorded events."""
        return self.query(f'SELECT {query}')[0][0]

    def rows(self, event: str) -> int:
        return int(self.events(f"count(*) FROM events WHERE event = '{event}'"))

    def counted(self, event: str, sink: str = '') -> int:
        """Return the sum of what rows that stand for several say they stand for."""
        where = f"event = '{event}' AND output_topic = 'filesystem.{sink}'"
        where = where if sink else f"event = '{event}'"
        return int(self.events(f"sum(json_extract(metadata, '$.count')) FROM events WHERE {where}"))

    def lines(self, pattern: str) -> list[Any]:
        return [row for path in self._server.folder.glob(pattern) for row in rows(path)]


@pytest.fixture(scope='module')
def said(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Said]:
    folder = tmp_path_factory.mktemp('counts')
    (folder / 'drakkar.ini').write_text(CONFIG)
    (folder / 'handlers.py').write_text(HANDLER)
    (folder / 'results' / 'taken').mkdir(parents=True)
    program = folder / 'program'
    program.write_text(PROGRAM)
    program.chmod(0o755)
    lines = ''.join(
        'no { json\n' if what(n) == 'unreadable' else json.dumps({'n': n, 'do': what(n)}) + '\n'
        for n in range(MESSAGES)
    )
    assert run(folder, 'produce', '-c', 'drakkar.ini', '--raw', stdin=lines).code == 0
    with Server(folder) as server:
        yield Said(server)


pytestmark = pytest.mark.timeout(90)


def test_messages(said: Said) -> None:
    stats = said.dashboard['stats']
    assert stats['consumed'] == MESSAGES
    assert said.metric('messages_consumed_total') == MESSAGES
    assert said.counted('consumed') == MESSAGES
    assert sum(p['consumed'] for p in said.partitions) == MESSAGES
    assert sum(p['completed'] for p in said.partitions) == MESSAGES
    assert said.rows('message_complete') == MESSAGES - CHOSEN['unreadable']
    unreadable = stats['parse_failures'], said.metric('parse_failures_total')
    assert unreadable == (CHOSEN['unreadable'], CHOSEN['unreadable'])
    assert said.rows('parse_failed') == CHOSEN['unreadable']
    assert said.counted('arranged') == MESSAGES - CHOSEN['unreadable']


def test_offsets(said: Said) -> None:
    assert [p['committed'] for p in said.partitions] == [
        p['high_watermark'] for p in said.partitions
    ]
    for p in said.partitions:
        last = f"max(offset) FROM events WHERE event = 'committed' AND partition = {p['partition']}"
        assert said.events(last) == p['committed']
        assert said.metric('offset_lag', partition=str(p['partition'])) == p['lag'] == 0
    stored = said.metric('offsets_committed_total')
    assert said.dashboard['stats']['committed'] == stored == said.rows('committed')


def test_tasks(said: Said) -> None:
    stats = said.dashboard['stats']
    completed = sum(COMPLETED.values())
    assert stats['completed'] == said.metric('executor_tasks_total', status='completed')
    assert stats['completed'] == completed
    ran = "count(*) FROM events WHERE event = 'task_completed' AND pid IS NOT NULL"
    assert said.events(ran) == completed
    assert stats['failed'] == said.metric('executor_tasks_total', status='failed') == FAILED
    assert said.rows('task_failed') == FAILED
    assert stats['retried'] == said.metric('executor_retries_total') == CHOSEN['retry']
    assert said.rows('task_retried') == CHOSEN['retry']
    known = stats['precomputed'], said.metric('executor_precomputed_total')
    assert known == (CHOSEN['known'], CHOSEN['known'])
    assert said.rows('task_started') == completed + FAILED
    assert said.metric('executor_duration_seconds_count') == completed + FAILED


@pytest.mark.parametrize(('sink', 'payloads'), [('results', RESULTS), ('audit', AUDITS)])
def test_deliveries(said: Said, sink: str, payloads: int) -> None:
    told = said.sinks[sink]
    assert told['delivered'] == payloads
    assert said.metric('sink_payloads_delivered_total', sink_name=sink) == payloads
    assert said.counted('sink_delivered', sink) == payloads
    lines = said.lines(f'{sink}/*.jsonl')
    assert len(lines) == payloads
    assert told['errors'] == said.metric('sink_deliver_errors_total', sink_name=sink)
    assert told['retries'] == said.metric('sink_retries_total', sink_name=sink)


def test_payloads_are_each_in_their_sink(said: Said) -> None:
    assert {name: len(said.lines(f'results/{name}.jsonl')) for name in LINES} == LINES
    produced = said.counted('produced', 'results')
    assert produced == RESULTS + CHOSEN['undeliverable']
    assert said.dashboard['stats']['delivered'] == RESULTS + AUDITS


def test_failed_deliveries(said: Said) -> None:
    errors = said.sinks['results']['errors']
    assert errors == said.dashboard['stats']['sink_errors'] == said.rows('sink_error')
    assert 1 <= errors <= CHOSEN['undeliverable']
    assert said.counted('sink_error', 'results') == CHOSEN['undeliverable']


def test_dead_letters(said: Said) -> None:
    assert said.dashboard['stats']['dlq'] == said.metric('dlq_messages_total') == LETTERS
    assert said.rows('dlq_sent') == LETTERS
    letters = said.lines('dlq/*.jsonl')
    assert len(letters) == LETTERS
    stages = "SELECT json_extract(metadata, '$.stage'), count(*) FROM events"
    recorded = dict(said.query(f"{stages} WHERE event = 'dlq_sent' GROUP BY 1"))
    assert recorded == {
        'execute': CHOSEN['fail'],
        'deliver': CHOSEN['undeliverable'],
        'parse': CHOSEN['unreadable'],
    }


def test_nothing_went_wrong_unseen(said: Said) -> None:
    for name in ('timeouts', 'hook_errors', 'dlq_dropped', 'recorder_dropped'):
        assert said.dashboard['stats'][name] == 0, name
    assert said.metric('recorder_dropped_total') == 0
    assert said.dashboard['total_queued'] == 0
