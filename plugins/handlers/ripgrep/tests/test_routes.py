"""Which payloads results and messages become."""

from __future__ import annotations

from typing import Any

import pytest

from drakkar_handler_ripgrep.routes import MODULES, Routes
from drakkar_sink_filesystem import FilePayload


def result(match_count: int) -> dict[str, Any]:
    return {'pattern': 'x', 'match_count': match_count, 'lines': ['a:1:x']}


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
    assert large.data == {'pattern': 'x', 'match_count': 51}


def test_summary_has_its_own_file() -> None:
    (payload,) = Routes(['filesystem']).summaries({'request_id': 'r', 'match_count': 0})
    assert payload == FilePayload('summaries.jsonl', {'request_id': 'r', 'match_count': 0})


@pytest.mark.parametrize('sink_type', MODULES)
def test_every_module_makes_payloads_of_its_type(sink_type: str) -> None:
    routes = Routes([sink_type])
    assert {p.sink_type for p in routes.results(result(1000))} == {sink_type}
