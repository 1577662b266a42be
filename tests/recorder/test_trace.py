"""Tracing messages through the files of all workers."""

from __future__ import annotations

import sqlite3
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drakkar.readonly import OutOfTimeError
from drakkar.recorder import trace as module
from drakkar.recorder.databases import Databases
from drakkar.recorder.merge import merge
from drakkar.recorder.queries import events, traces
from drakkar.recorder.targets import BadTargetError, MessageAt, Named, parse_target
from drakkar.recorder.trace import Search, find_task, places, trace
from tests.recorder.files import NOW, identity, memory, open_file, row, write_file

SOON = 20.0


def at(event: str, ts: float, offset: int | None = 12, **fields: Any) -> Any:
    return row(event, NOW + ts, **{'topic': 'a', 'partition': 1, 'offset': offset, **fields})


# What one worker does with the messages 10 to 19 of partition 1, of which 12 has two tasks.
STORY = [
    at('consumed', 0, 10, last_offset=19),
    at('arranged', 1, 10, last_offset=14, metadata={'tasks': ['t1', 't2', 't3']}),
    at('task_started', 2, task_id='t1', labels={'tenant': 'acme', 'n': 7}),
    at('task_started', 3, task_id='t2', metadata={'source_offsets': [12, 13]}, last_offset=13),
    at('task_started', 4, 13, task_id='t3'),
    at('task_started', 4, 11, task_id='t4', metadata={'source_offsets': [11, 13]}, last_offset=13),
    at('task_completed', 5, task_id='t1'),
    row('task_complete', NOW + 6, task_id='t1'),
    at('sink_delivered', 7, 10, last_offset=19, metadata={'offsets': [10, 12, 19]}),
    at('sink_delivered', 8, 10, last_offset=19, metadata={'offsets': [10, 13]}),
    at('committed', 9, 12),
    at('committed', 10, 13),
    at('committed', 11, 20),
    row('consumed', NOW, topic='a', partition=2, offset=12),
    row('consumed', NOW, topic='b', partition=1, offset=12),
]
EXPECTED = [
    'consumed',
    'arranged',
    'task_started',
    'task_started',
    'task_completed',
    'task_complete',
    'sink_delivered',
    'committed',
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def add(folder: Path, worker: str, rows: list[Any], day: int = 1) -> Path:
    name = f'{worker}-2025-01-{day:02}__00_00_00.db'
    return write_file(folder / name, rows, identity(worker))


def search(folder: Path, **own: Any) -> Search:
    deadline = time.monotonic() + SOON
    return Search(places(Databases(folder), deadline, **own), deadline)


def traced(folder: Path, text: str, **own: Any) -> dict[str, Any]:
    return trace(parse_target(text), search(folder, **own))


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('1:2', MessageAt(1, 2)),
        (' 1:2\n', MessageAt(1, 2)),
        ('a.b:1:2', MessageAt(1, 2, 'a.b')),
        ('a:b:1:2', MessageAt(1, 2, 'a:b')),
        ('tenant=acme', Named('acme', 'tenant')),
        ('k=a=b', Named('a=b', 'k')),
        ('-1:2', Named('-1:2')),
        ('1:x', Named('1:x')),
        ('abc-12', Named('abc-12')),
    ],
)
def test_what_people_type(text, expected):
    assert parse_target(text) == expected


@pytest.mark.parametrize('text', ['', '  ', 'x' * 501])
def test_what_names_nothing_is_refused(text):
    with pytest.raises(BadTargetError, match='expected PARTITION:OFFSET'):
        parse_target(text)


@given(st.text())
def test_any_text_is_a_target_or_refused(text):
    try:
        target = parse_target(text)
    except BadTargetError:
        return
    assert parse_target(str(target)) == target


def test_every_row_of_a_message_in_order_and_none_of_its_neighbours(folder):
    add(folder, 'w1', STORY)
    found = traced(folder, 'a:1:12')
    assert [event['event'] for event in found['rows']] == EXPECTED
    assert {event['worker'] for event in found['rows']} == {'w1'}
    assert [event['after'] for event in found['rows']] == [0, 1, 2, 3, 5, 6, 7, 10]
    assert found['rows'][-1]['offset'] == 13  # the first commit that covers it
    assert (found['found'], found['complete'], found['problems']) == (True, True, [])


def test_without_a_topic_all_topics_are_meant(folder):
    add(folder, 'w1', STORY)
    assert [event['topic'] for event in traced(folder, '1:12')['rows']].count('b') == 1


@pytest.mark.parametrize('text', ['tenant=acme', 'acme', 'n=7', '7', 't1'])
def test_a_label_or_a_task_leads_to_its_message(text, folder):
    add(folder, 'w1', STORY)
    found = traced(folder, text)
    assert found['messages'] == ['a:1:12']
    assert [event['event'] for event in found['rows']] == EXPECTED


@pytest.mark.parametrize('text', ['tenant=acm', 'cme', 'other=acme', '3:12', '1:99', 'tenant'])
def test_what_nobody_knows_is_not_found(text, folder):
    add(folder, 'w1', STORY)
    found = traced(folder, text)
    assert (found['found'], found['rows'], found['searched']) == (False, [], 1)


def test_labels_are_found_as_json_writes_them(folder):
    add(folder, 'w1', [at('task_started', 0, task_id='t', labels={'q': 'say "hé" \\ 100%'})])
    assert traced(folder, 'q=say "hé" \\ 100%')['found']


def test_a_request_is_found_by_its_id(folder):
    rows = [
        row('webapp_request_received', NOW, request_id='r-1'),
        row('task_started', NOW + 1, request_id='r-1', task_id='t', labels={'x': 'y'}),
        row('webapp_request_completed', NOW + 2, request_id='r-1'),
        row('webapp_request_received', NOW, request_id='r-2'),
    ]
    add(folder, 'w1', rows)
    for text in ('r-1', 't', 'x=y'):
        found = traced(folder, text)
        assert found['requests'] == ['r-1']
        assert len(found['rows']) == 3


def test_a_message_that_moved_from_worker_to_worker_and_over_files(folder):
    add(folder, 'w1', STORY[:3], day=1)
    add(folder, 'w1', [at('task_failed', 20, task_id='t1')], day=2)
    with ExitStack() as stack:
        path = folder / 'w2-2025-01-02__00_00_00.db'
        said = identity('w2', started_at=time.time())
        stack.enter_context(open_file(path, [at('consumed', 30)], said))
        (folder / 'w2-live.db').symlink_to(path.name)
        found = traced(folder, 'a:1:12')
    assert [(event['event'], event['worker']) for event in found['rows']] == [
        ('consumed', 'w1'),
        ('arranged', 'w1'),
        ('task_started', 'w1'),
        ('task_failed', 'w1'),
        ('consumed', 'w2'),
    ]


def test_the_own_recorder_is_asked_first_then_the_living_then_the_newest(folder):
    own = add(folder, 'w1', STORY, day=4)
    add(folder, 'w3', [], day=1)
    add(folder, 'w4', STORY, day=3)
    merge([own], folder / 'merged-2025-01-09__00_00_00.db')
    live = folder / 'w2-2025-01-02__00_00_00.db'
    (folder / 'w2-live.db').symlink_to(live.name)
    with (
        memory(STORY) as connection,
        open_file(live, [row('consumed', NOW - 9)], identity('w2', started_at=time.time())),
    ):
        order = places(
            Databases(folder),
            time.monotonic() + SOON,
            read=lambda fn, *args: fn(connection, *args),
            current=own,
            worker='w1',
        )
        names = [(place.worker, place.live) for place in order]
        assert names[:3] == [('w1', True), ('w2', True), ('w3', False)]
        assert order[-1].name.startswith('merged-')
        assert len(order) == 5
        found = trace(MessageAt(1, 12, 'a'), Search(order, time.monotonic() + SOON))
    # What is in the own file and in a merged one too is told once, w4's rows beside it.
    assert len(found['rows']) == 2 * len(EXPECTED)


def test_a_broken_file_is_told_beside_the_result(folder):
    add(folder, 'w1', STORY)
    (folder / 'w0-2025-01-01__00_00_00.db').write_text('nonsense')
    found = traced(folder, 'a:1:12')
    assert len(found['rows']) == len(EXPECTED)
    assert found['problems'] == [
        {
            'file': 'w0-2025-01-01__00_00_00.db',
            'problem': 'w0-2025-01-01__00_00_00.db: is no SQLite database',
        }
    ]


def test_when_the_time_is_over_what_was_found_is_told(folder):
    def slow(fn: Any, *args: Any) -> Any:
        raise OutOfTimeError('w0.db: there was no time')

    add(folder, 'w1', STORY)
    looking = search(folder)
    looking.places = [*looking.places, module.Place('w0.db', 'w0', False, slow)]
    found = trace(MessageAt(1, 12, 'a'), looking)
    assert (found['found'], found['complete']) == (True, False)
    over = Search(looking.places, time.monotonic() - 1)
    assert trace(MessageAt(1, 12), over)['complete'] is False


def test_a_label_of_many_messages_is_followed_to_the_newest(folder, monkeypatch):
    monkeypatch.setattr(module, 'MAX_TARGETS', 3)
    rows = [at('task_started', n, n, task_id=f't{n}', labels={'a': 'b'}) for n in range(9)]
    add(folder, 'w1', rows)
    found = traced(folder, 'a=b')
    assert (found['messages'], found['more']) == (['a:1:8', 'a:1:7', 'a:1:6'], True)


def test_long_lists_in_a_row_are_cut(folder):
    add(folder, 'w1', [at('consumed', 0, 0, last_offset=99, metadata={'offsets': [*range(100)]})])
    (event,) = traced(folder, 'a:1:12')['rows']
    assert event['metadata']['offsets'][-1] == '... 50 more'


def test_a_task_is_put_together_from_all_files(folder):
    add(folder, 'w1', [at('task_started', 2, task_id='t1', pid=5)], day=1)
    add(folder, 'w1', [at('task_completed', 9, task_id='t1', exit_code=0)], day=2)
    add(folder, 'w2', STORY[4:5], day=1)
    found = find_task('t1', search(folder))
    assert found is not None
    assert (found['status'], len(found['runs']), found['worker']) == ('completed', 1, 'w1')
    assert found['runs'][0]['started_at'] == NOW + 2
    assert find_task('nobody', search(folder)) is None


@pytest.mark.parametrize(
    ('fn', 'args', 'expected'),
    [
        (
            traces.message_rows,
            (1, 12),
            {
                'event_partition_offset (partition=? AND offset>? AND offset<?)',
                'event_partition_offset (partition=? AND offset>?)',
                'event_task_id (task_id=?)',
            },
        ),
        (traces.request_rows, ('r',), {'event_request_id (request_id=?)'}),
        (
            traces.named,
            ('nobody',),
            {
                'event_request_id (request_id=?)',
                'event_task_id (task_id=?)',
                'INTEGER PRIMARY KEY (rowid>?)',
            },
        ),
    ],
)
def test_traces_go_by_indexes(fn, args, expected):
    asked: list[str] = []
    with memory(STORY) as connection:
        connection.set_trace_callback(asked.append)
        fn(connection, *args)
        connection.set_trace_callback(None)
        plans = _plans(connection, [sql for sql in asked if 'FROM events' in sql])
    for part in expected:
        assert any(part in step for step in plans), (part, plans)
    assert not any(step.startswith('SCAN events') for step in plans), plans


def _plans(connection: sqlite3.Connection, statements: list[str]) -> list[str]:
    return [
        step['detail']
        for sql in statements
        for step in connection.execute(f'EXPLAIN QUERY PLAN {sql}')
    ]


def test_a_label_is_searched_in_the_newest_rows_only(folder, monkeypatch):
    assert traces.SCAN_ROWS == events.SCAN_ROWS
    monkeypatch.setattr(traces, 'SCAN_ROWS', 3)
    add(folder, 'w1', STORY)
    assert not traced(folder, 'tenant=acme')['found']
