"""Pages of events: filters, paging, bounds, and the indexes they go by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drakkar.recorder.queries import EventFilter, counts_by_type, events, events_page
from drakkar.recorder.queries.rows import PREVIEW_CHARS
from tests.recorder.files import NOW, memory, row

ROWS = [
    row('assigned', NOW, partition=1, topic='a'),
    row('consumed', NOW + 1, topic='a', partition=1, offset=10, last_offset=19),
    row(
        'consumed',
        NOW + 2,
        topic='a',
        partition=2,
        offset=10,
        last_offset=30,
        metadata={'offsets': [10, 20, 30]},
    ),
    row(
        'task_started',
        NOW + 3,
        topic='a',
        partition=1,
        offset=12,
        task_id='t1',
        origin='kafka',
        labels={'tenant': '100%'},
    ),
    row('task_failed', NOW + 4, topic='a', partition=1, offset=12, task_id='t1', origin='kafka'),
    row('task_started', NOW + 5, task_id='t2', origin='http', request_id='r1'),
    row('committed', NOW + 6, topic='b', partition=1, offset=20),
]


def ids(limit: int = 100, **conditions: object) -> list[int]:
    with memory(ROWS) as connection:
        page = events_page(connection, EventFilter(**conditions), limit=limit)
    return [event['id'] for event in page['events']]


@pytest.mark.parametrize(
    ('conditions', 'expected'),
    [
        ({}, [7, 6, 5, 4, 3, 2, 1]),
        ({'types': ('consumed',)}, [3, 2]),
        ({'types': ('consumed', 'task_failed', 'nothing')}, [5, 3, 2]),
        ({'types': ('consumed', 'committed'), 'partition': 1}, [7, 2]),
        ({'partition': 1}, [7, 5, 4, 2, 1]),
        ({'partition': 1, 'topic': 'b'}, [7]),
        ({'partition': 1, 'offset': 12}, [5, 4, 2]),
        ({'partition': 1, 'offset': 19}, [2]),
        ({'partition': 2, 'offset': 20}, [3]),
        ({'partition': 2, 'offset': 30}, [3]),
        ({'partition': 2, 'offset': 21}, []),
        ({'offset': 12}, [5, 4, 2]),
        ({'task_id': 't1'}, [5, 4]),
        ({'task_id': 't1', 'types': ('task_failed',)}, [5]),
        ({'origin': 'http'}, [6]),
        ({'request_id': 'r1'}, [6]),
        ({'since': NOW + 4}, [7, 6, 5]),
        ({'since': NOW + 2, 'until': NOW + 4}, [5, 4, 3]),
        ({'labels': 'tenant'}, [4]),
        ({'labels': '0%"'}, [4]),
        ({'labels': 't%t'}, []),
        ({'labels': "'; DROP TABLE events; --"}, []),
    ],
)
def test_a_page_has_what_the_filter_wants_and_the_newest_first(conditions, expected):
    assert ids(**conditions) == expected


@pytest.mark.parametrize('few', [0, 20_000])
def test_a_partition_gives_the_same_rows_whether_rare_or_not(few, monkeypatch):
    monkeypatch.setattr(events, 'FEW_ROWS', few)
    assert ids(partition=1) == [7, 5, 4, 2, 1]
    assert ids(partition=1, types=('consumed', 'assigned')) == [2, 1]


@given(
    types=st.lists(st.sampled_from(['a', 'b', 'c']), min_size=1, max_size=30),
    wanted=st.sets(st.sampled_from(['a', 'b', 'c'])),
    partition=st.sampled_from([None, 0, 1]),
    limit=st.integers(1, 7),
    scan=st.integers(1, 9),
)
def test_pages_together_have_each_row_once_in_order(types, wanted, partition, limit, scan):
    rows = [row(name, NOW + n, partition=n % 2) for n, name in enumerate(types)]
    expected = [
        n + 1
        for n, name in enumerate(types)
        if (not wanted or name in wanted) and partition in (None, n % 2)
    ]
    found, before = [], None
    with memory(rows) as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, 'SCAN_ROWS', scan)
        patch.setattr(events, 'FEW_ROWS', 5)
        for _ in range(100):
            asked = EventFilter(types=tuple(wanted), partition=partition)
            page = events_page(connection, asked, before, limit)
            assert len(page['events']) <= limit
            found += [event['id'] for event in page['events']]
            before = page['next']
            assert page['has_more'] == (before is not None)
            if before is None:
                break
    assert found == expected[::-1]


def test_a_page_that_found_nothing_yet_says_how_far_it_looked(monkeypatch):
    monkeypatch.setattr(events, 'SCAN_ROWS', 3)
    with memory(ROWS) as connection:
        page = events_page(connection, EventFilter(labels='tenant'), limit=10)
        assert page['events'] == []
        assert (page['has_more'], page['next'], page['searched_to']) == (True, 5, NOW + 4)
        page = events_page(connection, EventFilter(labels='tenant'), before=5, limit=10)
        assert [event['id'] for event in page['events']] == [4]


def test_a_limit_is_never_exceeded_nor_below_one():
    assert ids(limit=0) == [7]
    with memory([row('a')] * (events.MAX_LIMIT + 5)) as connection:
        page = events_page(connection, EventFilter(), limit=10**9)
    assert len(page['events']) == events.MAX_LIMIT


def test_an_empty_file_has_an_empty_page():
    with memory([]) as connection:
        page = events_page(connection, EventFilter(partition=1, since=NOW))
        assert page == {'events': [], 'has_more': False, 'next': None, 'searched_to': None}
        assert counts_by_type(connection) == {}


def test_json_is_parsed_and_what_is_none_stays_text():
    rows = [row('annotation', metadata={'a': [1]}, labels='{broken', args='["x"]')]
    with memory(rows) as connection:
        (event,) = events_page(connection, EventFilter())['events']
    assert (event['metadata'], event['labels'], event['args']) == ({'a': [1]}, '{broken', ['x'])


def test_a_page_has_only_the_beginning_of_an_output_and_its_length():
    with memory([row('task_failed', stdout='é' * 10_000, stderr='short')]) as connection:
        (event,) = events_page(connection, EventFilter())['events']
    assert event['stdout'] == 'é' * PREVIEW_CHARS
    assert (event['stdout_length'], event['stderr_length']) == (10_000, 5)


def test_counts_by_type_from_a_time_on():
    with memory(ROWS) as connection:
        assert counts_by_type(connection)['consumed'] == 2
        assert counts_by_type(connection, NOW + 5) == {'task_started': 1, 'committed': 1}


@given(st.lists(st.floats(0, 100), max_size=20).map(sorted), st.floats(-1, 101))
def test_the_first_id_of_a_time(times, ts):
    with memory([row('a', when) for when in times]) as connection:
        found = events.id_at(connection, ts)
    assert found == 1 + sum(when < ts for when in times)


@pytest.mark.parametrize(
    ('conditions', 'by_index', 'expected'),
    [
        ({}, False, 'SEARCH events USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)'),
        ({'partition': 1}, False, 'SEARCH events USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)'),
        ({'partition': 1}, True, 'event_partition_offset (partition=?)'),
        (
            {'partition': 1, 'offset': 2},
            True,
            'event_partition_offset (partition=? AND offset>? AND offset<?)',
        ),
        ({'task_id': 'a'}, True, 'event_task_id (task_id=?)'),
        ({'task_id': 'a', 'types': ('consumed',)}, True, 'event_task_id (task_id=?)'),
        ({'request_id': 'a'}, True, 'event_request_id (request_id=?)'),
        ({'types': ('a', 'b')}, False, 'event_event (event=? AND rowid>? AND rowid<?)'),
        (
            {'types': ('a', 'b'), 'partition': 1},
            False,
            'event_event (event=? AND rowid>? AND rowid<?)',
        ),
        ({'types': ('a',), 'partition': 1}, True, 'event_partition_offset (partition=?)'),
        ({'types': ('a',), 'labels': 'x'}, False, 'event_event (event=? AND rowid>? AND rowid<?)'),
    ],
)
def test_a_query_goes_by_the_index_that_fits(conditions, by_index, expected):
    wanted = EventFilter(**conditions)
    with memory(ROWS) as connection:
        sql = events.page_sql(connection, wanted, by_index)
        values = {f'type{n}': name for n, name in enumerate(wanted.types)}
        values |= {**wanted.values(), 'low': 1, 'end': 9, 'limit': 9}
        plan = [step['detail'] for step in connection.execute(f'EXPLAIN QUERY PLAN {sql}', values)]
    assert any(expected in step for step in plan), plan
    assert not any(step.startswith('SCAN events') for step in plan), plan
