"""Events in words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drakkar.recorder.events import EVENT_TYPES
from drakkar.recorder.queries.rows import as_dict
from drakkar.recorder.words import command_line, in_words, is_failure, place
from tests.recorder.files import memory, row


def plain(event: str, **fields: Any) -> dict[str, Any]:
    with memory([row(event, **fields)]) as connection:
        return as_dict(connection.execute('SELECT * FROM events').fetchone())


@pytest.mark.parametrize(
    ('event', 'fields', 'words'),
    [
        ('consumed', {'metadata': {'count': 1200}}, '1,200 messages'),
        (
            'webapp_request_received',
            {'request_id': 'r1', 'metadata': {'label': 'big', 'remote': '::1', 'body_bytes': 12}},
            'big, from ::1, 12 bytes',
        ),
        (
            'webapp_request_received',
            {'request_id': 'r1', 'metadata': {'label': 'r1', 'body': {'x': 1}, 'body_bytes': 1}},
            '1 byte',
        ),
        (
            'webapp_request_completed',
            {'metadata': {'status': 'timeout', 'code': 504, 'response': '{', 'response_bytes': 99}},
            '504 timeout, 99 bytes',
        ),
        (
            'webapp_request_completed',
            {'metadata': {'status': 'disconnected', 'code': 0}},
            'disconnected',
        ),
        (
            'webapp_request_rate_limited',
            {'client_name': 'a', 'metadata': {'rpm_limit': 60, 'retry_after_seconds': 1.5}},
            'a: more than 60 requests in 60 s',
        ),
        (
            'webapp_request_auth_failed',
            {'metadata': {'remote': '::1', 'reason': 'no client has this token'}},
            'no client has this token, from ::1',
        ),
        (
            'webapp_request_dropped_after_timeout',
            {'metadata': {'count': 2}},
            '2 runs ended for nobody',
        ),
        (
            'arranged',
            {'metadata': {'count': 1, 'task_count': 2, 'tasks': ['a', 'b']}},
            '2 tasks for 1 message',
        ),
        (
            'task_started',
            {
                'pid': 7,
                'args': ['-n', 'a b'],
                'metadata': {'slot': 2, 'attempt': 3, 'queue_seconds': 0.25, 'binary_path': '/rg'},
            },
            "run 3, slot 2, pid 7, waited 0.250 s, /rg -n 'a b'",
        ),
        ('task_completed', {'exit_code': 0, 'metadata': {'attempt': 1}}, 'exit code 0'),
        (
            'task_failed',
            {
                'exit_code': 2,
                'stderr': 'no\nsuch file',
                'metadata': {'kind': 'exit', 'action': 'retry', 'exception': ''},
            },
            'exit code 2, then retry, no such file',
        ),
        (
            'task_failed',
            {'metadata': {'kind': 'timeout', 'action': 'skip', 'exception': 'after 5 s'}},
            'timeout, then skip, after 5 s',
        ),
        ('task_retried', {'metadata': {'attempt': 2, 'delay_seconds': 0.5}}, 'run 2, in 0.5 s'),
        (
            'message_complete',
            {'metadata': {'tasks_total': 3, 'failed': 1, 'payloads': 0}},
            '3 tasks, 1 failed, 0 payloads',
        ),
        ('produced', {'metadata': {'count': 1, 'sink': 'kafka.out'}}, '1 payload for kafka.out'),
        (
            'sink_error',
            {
                'metadata': {
                    'count': 2,
                    'sink': 'http.api',
                    'refused': True,
                    'action': 'dlq',
                    'exception': '400',
                }
            },
            '2 payloads to http.api, refused, then dlq, 400',
        ),
        ('dlq_sent', {'metadata': {'stage': 'execute', 'error': 'x'}}, 'at execute, x'),
        ('committed', {'offset': 13}, 'goes on from 13'),
        ('periodic_run', {'metadata': {'name': 'tidy', 'error': ''}}, 'tidy'),
        ('revoked', {'metadata': {'lost': True}}, 'lost'),
        ('something_new', {'metadata': {'a': 1}}, 'a 1'),
    ],
)
def test_what_an_event_says(event, fields, words):
    assert in_words(plain(event, **fields)) == words


@pytest.mark.parametrize('event', [*EVENT_TYPES, 'unknown'])
def test_every_event_has_words_even_without_metadata(event):
    assert '\n' not in in_words(plain(event))
    assert isinstance(is_failure(plain(event)), bool)


@given(st.sampled_from([*EVENT_TYPES]), st.text(), st.dictionaries(st.text(), st.text()))
def test_hostile_texts_stay_on_one_short_line(event, text, metadata):
    fields = {'stderr': text.encode('utf-8', 'replace').decode(), 'metadata': metadata}
    words = in_words({**plain(event), **fields, 'args': [text]})
    assert len(words) <= 300
    assert words == ' '.join(words.split())


@pytest.mark.parametrize(
    ('fields', 'expected'),
    [
        ({}, ''),
        ({'partition': 3}, '3'),
        ({'partition': 3, 'offset': 4}, '3:4'),
        ({'partition': 3, 'offset': 4, 'last_offset': 9}, '3:4-9'),
    ],
)
def test_where(fields, expected):
    assert place(plain('consumed', **fields)) == expected


def test_a_command_line_can_be_given_to_a_shell():
    assert command_line(plain('task_started', args=['a b', '$HOME', '-x'])) == "'a b' '$HOME' -x"
    assert command_line(plain('task_started')) == ''


def test_a_failed_periodic_run_is_a_failure():
    assert is_failure(plain('periodic_run', metadata={'name': 'a', 'error': 'boom'}))
    assert not is_failure(plain('periodic_run', metadata={'name': 'a', 'error': ''}))
