"""One task as the task page shows it."""

from __future__ import annotations

from typing import Any

import pytest

from drakkar.recorder.queries import task
from tests.recorder.files import NOW, memory, row


def started(at: float = 0.0, task_id: str = 't1', **more: Any) -> Any:
    metadata = {'slot': 3, 'queue_seconds': 0.5, 'spawn_seconds': 0.25, **more.pop('metadata', {})}
    fields = {
        'partition': 1,
        'offset': 10,
        'topic': 'a',
        'task_id': task_id,
        'pid': 99,
        'args': ['-n', 'x'],
        'labels': {'tenant': 'a'},
    }
    return row('task_started', NOW + at, **{**fields, **more}, metadata=metadata)


def ended(event: str, at: float, task_id: str = 't1', **more: Any) -> Any:
    fields = {'partition': 1, 'offset': 10, 'topic': 'a', 'task_id': task_id, 'pid': 99}
    return row(event, NOW + at, **{**fields, **more})


def described(*rows: Any, task_id: str = 't1') -> dict[str, Any]:
    with memory(rows) as connection:
        found = task(connection, task_id)
    assert found is not None
    return found


def test_nothing_is_known_of_a_task_without_rows():
    with memory([started()]) as connection:
        assert task(connection, 'other') is None


def test_a_task_that_is_running():
    found = described(started(metadata={'source_offsets': [10, 12]}))
    assert found['status'] == 'running'
    assert (found['pid'], found['slot'], found['duration']) == (99, 3, None)
    assert (found['topic'], found['partition'], found['offset']) == ('a', 1, 10)
    assert found['source_offsets'] == [10, 12]
    assert (found['args'], found['labels']) == (['-n', 'x'], {'tenant': 'a'})
    assert found['runs'][0]['started_at'] == NOW


def test_a_task_that_failed_ran_again_and_completed():
    found = described(
        started(),
        ended(
            'task_failed',
            1,
            exit_code=2,
            duration=1.0,
            stderr='no',
            metadata={'attempt': 1, 'kind': 'exit', 'action': 'retry'},
        ),
        ended('task_retried', 1, metadata={'attempt': 2, 'delay_seconds': 0.5}),
        started(2, metadata={'attempt': 2}),
        ended('task_completed', 4, exit_code=0, duration=2.0, stdout='yes'),
        ended('task_complete', 4.1, duration=0.1),
    )
    assert found['status'] == 'completed'
    first, second = found['runs']
    assert (first['status'], first['exit_code'], first['kind']) == ('failed', 2, 'exit')
    assert (second['status'], second['exit_code'], second['attempt']) == ('completed', 0, 2)
    assert (found['stdout'], found['duration']) == ('yes', 2.0)
    bars = [(bar['what'], bar['start'] - NOW, bar['end'] - NOW) for bar in found['timeline']]
    assert ('run 1', 0, 1) in bars
    assert ('run 2', 2, 4) in bars
    assert ('waits to run again', 1, 1.5) in bars
    assert ('waits for a slot', 1.25, 1.75) in bars
    assert [bar['start'] for bar in found['timeline']] == sorted(b[1] + NOW for b in bars)


@pytest.mark.parametrize(
    ('action', 'status'),
    [
        ('skip', 'failed'),
        ('dlq', 'failed'),
        ('retry', 'retrying'),
        ('replace', 'replaced'),
        ('cancelled', 'cancelled'),
    ],
)
def test_what_a_task_is_after_a_failure(action, status):
    found = described(started(), ended('task_failed', 1, metadata={'action': action}))
    assert found['status'] == status


def test_a_precomputed_task_never_started():
    found = described(ended('task_completed', 0, pid=None, exit_code=0, duration=0.0))
    (run,) = found['runs']
    assert (run['started_at'], run['pid'], found['status']) == (None, None, 'completed')


def test_a_run_whose_start_is_in_an_older_file():
    found = described(ended('task_completed', 3, exit_code=0, duration=2.0))
    assert found['runs'][0]['started_at'] == NOW + 1


def test_the_family_of_a_replaced_task():
    rows = [
        started(),
        ended('task_failed', 1, metadata={'action': 'replace'}),
        started(2, 't2', metadata={'parent_task_id': 't1'}),
        ended('task_completed', 3, 't2', exit_code=0, metadata={'parent_task_id': 't1'}),
        started(2, 't3', metadata={'parent_task_id': 't1'}),
        started(2, 'stranger'),
    ]
    assert described(*rows)['children'] == [
        {'task_id': 't2', 'status': 'completed'},
        {'task_id': 't3', 'status': 'running'},
    ]
    assert described(*rows, task_id='t2')['parent'] == 't1'


def test_what_came_from_a_task_but_not_from_its_neighbour():
    found = described(
        started(),
        row(
            'sink_delivered',
            NOW + 5,
            partition=1,
            offset=4,
            last_offset=20,
            duration=2.0,
            metadata={'sink': 'kafka.results', 'tasks': ['t0', 't1']},
        ),
        row('sink_delivered', NOW + 6, partition=1, offset=10, metadata={'tasks': ['t2']}),
    )
    assert [event['id'] for event in found['related']] == [2]
    bar = found['timeline'][-1]
    assert (bar['what'], bar['start']) == ('sink_delivered kafka.results', NOW + 3)


def test_the_request_behind_a_task():
    found = described(
        row('webapp_request_received', NOW, request_id='r1', client_name='acme'),
        started(partition=None, offset=None, request_id='r1', client_name='acme', origin='http'),
        row('webapp_request_completed', NOW + 1, request_id='r1', metadata={'status': 200}),
    )
    assert (found['request_id'], found['client_name']) == ('r1', 'acme')
    assert found['request']['received']['id'] == 1
    assert found['request']['answered']['metadata'] == {'status': 200}


def test_metadata_that_is_no_mapping_breaks_nothing():
    found = described(started(), ended('task_failed', 1, metadata='[1'), row('x', task_id='t1'))
    assert found['status'] == 'failed'


def test_each_row_is_told_once():
    letter = ended('dlq_sent', 2, metadata={'stage': 'execute'})
    found = described(started(), ended('task_failed', 1, exit_code=3), letter)
    assert [row['event'] for row in found['events']] == ['task_started', 'task_failed']
    assert [row['event'] for row in found['related']] == ['dlq_sent']


def test_bar_of_a_run_is_as_long_as_the_run_however_late_it_was_noted():
    found = described(started(1), ended('task_completed', 5, duration=2.0, exit_code=0))
    (bar,) = [bar for bar in found['timeline'] if bar['kind'] == 'run']
    assert (bar['start'] - NOW, bar['end'] - NOW) == (1, 3)
