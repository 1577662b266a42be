"""docs/recorder.md says what is recorded, and its queries run."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

import drakkar.api as dk
from drakkar.recorder.events import EVENT_TYPES
from drakkar.recorder.tables import MAX_SPAN, Event, EventRow
from drakkar.testing import WorkerHarness
from tests.recorder.recording import databases, recording, rows, tell_everything

PAGE = (Path(__file__).parents[2] / 'docs' / 'recorder.md').read_text()
(SQL,) = re.findall(r'^```sql\n(.*?)^```', PAGE, re.DOTALL | re.MULTILINE)


class Handler(dk.Handler):
    def arrange(
        self, messages: Sequence[dk.SourceMessage], pending: dk.PendingContext
    ) -> list[dk.ExecutorTask]:
        return []


def table(heading: str) -> list[list[str]]:
    """The cells of the first table of a section, without its head."""
    section = PAGE.split(f'## {heading}\n')[1].split('\n## ')[0]
    lines = [line for line in section.splitlines() if line.startswith('|')]
    return [[cell.strip() for cell in line.strip('|').split('|')] for line in lines[2:]]


def test_every_event_is_described_as_in_the_code() -> None:
    described = {row[0].strip('`'): row[1] for row in table('Events')}
    assert described == EVENT_TYPES


def test_every_column_is_described() -> None:
    named = {name for row in table('Tables') for name in re.findall(r'`(\w+)`', row[0])}
    assert named == {'id', *EventRow._fields}
    assert list(Event._meta.fields) == ['id', *EventRow._fields]
    assert f'{MAX_SPAN:,}' in PAGE


def test_what_is_in_the_metadata_is_described() -> None:
    described = {row[0].strip('`'): set(re.findall(r'`(\w+)`', row[2])) for row in table('Events')}
    described['task_failed'] |= described['task_completed']
    with recording(None) as recorder:
        tell_everything(recorder)
        for row in rows(recorder):
            keys = set(row.get('metadata', {}))
            assert keys <= described[row['event']], row['event']


@pytest.mark.parametrize('query', [q for q in SQL.split(';') if q.strip()])
def test_the_queries_of_the_page_find_something(tmp_path: Path, query: str) -> None:
    with recording(tmp_path) as recorder:
        tell_everything(recorder)
    (path,) = databases(tmp_path)
    query = query.replace('4711', '7').replace('partition = 12', 'partition = 3')
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute(query).fetchall()


def test_the_keys_of_worker_config_are_described() -> None:
    harness = WorkerHarness(Handler, config={'debug': {'enabled': True}})
    with harness:
        recorder = harness.worker.parts.recorder
        assert recorder is not None
        recorder.flush()
        written = recorder.read(
            lambda c: [k for (k,) in c.execute('SELECT key FROM worker_config')]
        )
    paragraph = PAGE.split('`worker_config` says')[1].split('`worker_state`')[0]
    assert set(re.findall(r'`(\w+)`', paragraph)) - {'key'} == set(written)
