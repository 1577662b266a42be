"""Which payloads results and messages become."""

from __future__ import annotations

from typing import Any

import pytest

from drakkar_handler_ripgrep.routes import MODULES, Routes
from drakkar_sink_filesystem import FilePayload


def result(match_count: int) -> dict[str, Any]:
    return {
        'request_ids': ['r1', 'r2'],
        'pattern': 'x',
        'path': 'a',
        'repeat': 1,
        'match_count': match_count,
        'file_count': 1,
        'duration_seconds': 0.5,
        'lines': ['a:1:x'],
    }


def test_without_a_sink_of_a_known_type_nothing_is_sent() -> None:
    for routes in (Routes(), Routes(['unheard_of'])):
        assert routes.results(result(100)) == []
        assert routes.summaries(result(100)) == []


@pytest.mark.parametrize(
    ('match_count', 'files'),
    [
        (0, ['results.jsonl']),
        (50, ['results.jsonl']),
        (51, ['results.jsonl', 'large.jsonl']),
    ],
)
def test_files_by_match_count(match_count: int, files: list[str]) -> None:
    payloads = Routes(['filesystem']).results(result(match_count))
    assert [payload.path for payload in payloads if isinstance(payload, FilePayload)] == files


def test_log_of_large_results_has_no_lines() -> None:
    whole, large = Routes(['filesystem']).results(result(51))
    assert 'lines' in whole.data
    assert large.data == {key: whole.data[key] for key in whole.data if key != 'lines'}


def test_summary_has_its_own_file() -> None:
    (payload,) = Routes(['filesystem']).summaries({'request_id': 'r', 'match_count': 0})
    assert payload == FilePayload('summaries.jsonl', {'request_id': 'r', 'match_count': 0})


@pytest.mark.parametrize('files', [(), ('large',), ('summaries', 'results')])
def test_only_the_files_asked_for_are_written(files: tuple[str, ...]) -> None:
    routes = Routes(['filesystem'], files)
    payloads = [*routes.results(result(51)), *routes.summaries(result(51))]
    assert {payload.path for payload in payloads if isinstance(payload, FilePayload)} == {
        f'{file}.jsonl' for file in files
    }


@pytest.mark.parametrize(
    ('match_count', 'sink_types'),
    [(20, []), (21, ['http']), (50, ['http']), (51, ['http', 'filesystem'])],
)
def test_what_goes_where_by_match_count(match_count: int, sink_types: list[str]) -> None:
    always = ['kafka', 'mongo', 'mongo', 'postgres', 'postgres', 'redis', 'redis']
    payloads = Routes(MODULES, ['large']).results(result(match_count))
    assert sorted(p.sink_type for p in payloads) == sorted(always + sink_types)


def test_a_kafka_record_names_all_requests_and_has_the_lines() -> None:
    (payload,) = Routes(['kafka']).results(result(0))
    assert (payload.data, payload.key) == (result(0), b'r1')


def test_each_request_has_a_row_a_document_and_a_key_of_its_own() -> None:
    rows = Routes(['postgres']).results(result(3))
    assert [(row.table, row.data['request_id']) for row in rows] == [
        ('search_results', 'r1'),
        ('search_results', 'r2'),
    ]
    assert 'lines' not in rows[0].data
    documents = Routes(['mongo']).results(result(3))
    assert [document.data['_id'] for document in documents] == ['r1 x a', 'r2 x a']
    assert documents[0].data['lines'] == ['a:1:x']
    values = Routes(['redis']).results(result(3))
    assert [(value.key, value.ttl) for value in values] == [
        ('search:r1', 3600),
        ('search:r2', 3600),
    ]


@pytest.mark.parametrize('sink_type', MODULES)
def test_every_module_makes_payloads_of_its_type(sink_type: str) -> None:
    routes = Routes([sink_type])
    assert {p.sink_type for p in routes.results(result(1000))} == {sink_type}
