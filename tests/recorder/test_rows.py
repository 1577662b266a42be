from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drakkar.models.actions import Action
from drakkar.models.delivery import DeliveryFailure, SinkRef
from drakkar.models.task import FailureKind, PrecomputedResult
from drakkar.recorder import Recorder
from drakkar.recorder import observer as observer_module
from drakkar.recorder.events import EVENT_TYPES
from drakkar.recorder.rows import spans
from drakkar.recorder.tables import MAX_SPAN, EventRow
from drakkar.recorder.taskrows import EventRows
from tests.recorder.recording import (
    SINK,
    Told,
    failure,
    message,
    origin,
    recording,
    result,
    rows,
    task,
    tell_everything,
)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def recorder(told: Told) -> Iterator[Recorder]:
    with recording(None, told) as recorder:
        yield recorder


def test_every_event_of_the_pipeline_becomes_a_row(recorder: Recorder, told: Told) -> None:
    tell_everything(recorder)
    recorded = {row['event'] for row in rows(recorder)}
    assert recorded == {name for name in EVENT_TYPES if not name.startswith('webapp_')}
    assert told.dropped == {}


def test_a_poll_is_a_row_with_the_range_of_its_offsets(recorder: Recorder) -> None:
    recorder.observer.consumed([message(5), message(6), message(9)])
    recorder.observer.consumed([message(5)])
    uneven, single = rows(recorder)
    assert uneven == {
        'event': 'consumed',
        'topic': 'requests',
        'partition': 3,
        'offset': 5,
        'last_offset': 9,
        'metadata': {'count': 3, 'offsets': [5, 6, 9]},
        'origin': 'memory',
    }
    assert (single['offset'], single['metadata']) == (5, {'count': 1})
    assert 'last_offset' not in single


def test_a_run_is_told_with_all_that_is_known_of_it(recorder: Recorder) -> None:
    one = task(7, 9, args=['-x', 'y'], labels={'who': 'me'}, parent_task_id='p-1')
    recorder.observer.task_started(one, 2, 11, 0.5, 0.25)
    recorder.observer.task_completed(result(one, stdout='out', stderr='err', attempt=3))
    started, completed = rows(recorder)
    assert started['args'] == ['-x', 'y']
    assert (started['offset'], started['last_offset'], started['pid']) == (7, 9, 11)
    assert started['metadata'] == {
        'slot': 2,
        'attempt': 1,
        'queue_seconds': 0.5,
        'spawn_seconds': 0.25,
        'source_offsets': [7, 9],
        'parent_task_id': 'p-1',
    }
    assert (completed['task_id'], completed['labels']) == (one.task_id, {'who': 'me'})
    assert (completed['stdout'], completed['stderr'], completed['exit_code']) == ('out', 'err', 0)
    assert (completed['duration'], completed['metadata']['attempt']) == (1.0, 3)


def test_a_start_after_a_retry_knows_its_attempt(recorder: Recorder) -> None:
    one = task()
    recorder.observer.task_retried(one, 2, 0.1)
    recorder.observer.task_started(one, 0, 11, 0.0, 0.0)
    recorder.observer.task_completed(result(one))
    recorder.observer.task_started(one, 0, 11, 0.0, 0.0)
    attempts = [r['metadata']['attempt'] for r in rows(recorder) if r['event'] == 'task_started']
    assert attempts == [2, 1]


def test_what_never_ran_is_told_with_its_arguments(recorder: Recorder) -> None:
    ready = task(precomputed=PrecomputedResult('cached'))
    recorder.observer.task_completed(result(ready, stdout='cached'))
    recorder.observer.task_failed(
        failure(kind=FailureKind.SPAWN, pid=None, exit_code=None, exception='no such file'), 'dlq'
    )
    hit, unborn = rows(recorder)
    assert (hit['args'], hit['metadata']['precomputed']) == (['a'], True)
    assert unborn['args'] == ['a']
    said = unborn['metadata']
    assert (said['kind'], said['action'], said['exception']) == ('spawn', 'dlq', 'no such file')


def test_a_batch_is_a_row_for_each_partition_behind_it(recorder: Recorder) -> None:
    first, second = origin(4, 5, task_id='t-1'), origin(9, partition=8, task_id='t-2')
    recorder.observer.sink_delivered(SINK, [None] * 3, 0.5, [first, first, second])
    three, eight = rows(recorder)
    assert (three['partition'], three['offset'], three['last_offset']) == (3, 4, 5)
    assert three['metadata'] == {'sink': 'fake.main', 'count': 2, 'batch': 3, 'tasks': ['t-1']}
    assert (eight['partition'], eight['offset'], eight['metadata']['count']) == (8, 9, 1)
    assert (eight['output_topic'], eight['duration']) == ('fake.main', 0.5)


def test_payloads_that_are_queued_together_are_one_row(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([10.0, 10.01, 10.02, 10.03, 10.2])
    hear = recorder.observer.produced
    with monkeypatch.context() as patch:
        patch.setattr(observer_module, 'time', lambda: next(clock))
        for offset, other in ((4, SINK), (5, SINK), (9, SinkRef('fake', 'second')), (7, SINK)):
            hear(other, [None], origin(offset, task_id=f't-{offset}'))
        hear(SINK, [None] * 2, origin(8, task_id='t-8'))
    first, late, second = sorted(rows(recorder), key=lambda r: (r['output_topic'], r['offset']))
    said = {'sink': 'fake.main', 'hook': 'on_task_complete'}
    assert (first['offset'], first['last_offset']) == (4, 7)
    assert first['metadata'] == {
        **said,
        'count': 3,
        'tasks': ['t-4', 't-5', 't-7'],
        'offsets': [4, 5, 7],
    }
    assert (late['offset'], late['task_id'], late['metadata']) == (8, 't-8', {**said, 'count': 2})
    assert (second['offset'], second['task_id']) == (9, 't-9')


def test_payloads_that_come_from_no_message_are_told_too(recorder: Recorder) -> None:
    recorder.observer.produced(SINK, [None], origin())
    recorder.observer.sink_delivered(SINK, [None], 0.5, [origin()])
    recorder.observer.sink_error(DeliveryFailure(SINK, [None], OSError()), Action.SKIP, origin())
    assert [('partition' in r, r['metadata']['count']) for r in rows(recorder)] == [(False, 1)] * 3


def test_an_http_request_is_named_in_the_rows_of_its_tasks(recorder: Recorder) -> None:
    one = task(partition=-1, topic='', origin='http', client_name='tenant', request_id='r-1')
    recorder.observer.task_started(one, 0, 1, 0, 0)
    (row,) = rows(recorder)
    assert (row['origin'], row['client_name'], row['request_id']) == ('http', 'tenant', 'r-1')
    assert 'partition' not in row
    assert 'topic' not in row


def test_an_event_that_makes_no_row_is_counted_and_the_others_are_written(
    recorder: Recorder, told: Told
) -> None:
    recorder.observer.consumed([message(1)])
    recorder.observer.circuit_opened(SINK, None)  # type: ignore[arg-type]
    recorder.observer.consumed([message(2)])
    assert [row['offset'] for row in rows(recorder)] == [1, 2]
    assert told.dropped == {'unwritable': 1}
    assert recorder.state.dropped == 1


def test_a_value_that_sqlite_can_not_hold_costs_its_row_only(
    recorder: Recorder, told: Told
) -> None:
    recorder.observer.consumed([message(1)])
    recorder.observer.consumed([message(2**70)])
    recorder.observer.consumed([message(2)])
    assert [row['offset'] for row in rows(recorder)] == [1, 2]
    assert told.dropped == {'unwritable': 1}


@given(st.sets(st.integers(0, 3 * MAX_SPAN), min_size=1, max_size=50))
def test_spans_cover_all_offsets_once_and_none_is_too_wide(numbers: set[int]) -> None:
    offsets = sorted(numbers)
    covered: list[int] = []
    for first, last, listed in spans(offsets):
        end = first if last is None else last
        assert end - first < MAX_SPAN
        covered += json.loads(listed) if listed else range(first, end + 1)
    assert covered == offsets


def test_a_long_contiguous_range_is_cut_too() -> None:
    found = list(spans(range(25_000)))
    assert [(first, last) for first, last, _ in found] == [
        (0, 9_999),
        (10_000, 19_999),
        (20_000, 24_999),
    ]
    assert all(not listed for *_, listed in found)


def test_rows_have_a_value_for_each_column(recorder: Recorder) -> None:
    made: list[tuple[object, ...]] = []
    maker = EventRows('memory', 100)
    maker.consumed((None, 1.0, ('t', 0), [1]), made)
    maker.task_retried((None, 1.0, task(), 2, 0.5), made)
    maker.circuit_closed((None, 1.0, SINK), made)
    assert {len(row) for row in made} == {len(EventRow._fields)}


def test_what_is_not_known_is_null_whatever_python_binds(recorder: Recorder) -> None:
    recorder.observer.consumed([message(1)])
    recorder.flush()
    (found,) = recorder.read(
        lambda c: [tuple(r) for r in c.execute('SELECT typeof(stdout), typeof(pid) FROM events')]
    )
    assert found == ('null', 'null')
