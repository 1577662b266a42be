"""HTTP requests: what they may say, and how they are answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from marshmallow import ValidationError

import drakkar.api as dk
from drakkar.testing import WorkerHarness
from drakkar_handler_ripgrep import RipgrepHandler
from drakkar_handler_ripgrep.program import find_ripgrep
from drakkar_handler_ripgrep.rank import RankRequest, rank
from drakkar_sink_filesystem import FilePayload

try:
    find_ripgrep()
    without_ripgrep = False
except dk.ConfigError:
    without_ripgrep = True

needs_ripgrep = pytest.mark.skipif(without_ripgrep, reason='ripgrep is not installed')


def test_the_request_of_the_page() -> None:
    assert RankRequest().load({'request_id': 'manual-1', 'score': 42}) == {
        'request_id': 'manual-1',
        'score': 42,
        'limit': 10,
        'repeat': 1,
    }


@pytest.mark.parametrize(
    'change',
    [
        {'request_id': ''},
        {'request_id': 'two words'},
        {'request_id': 'x' * 65},
        {'request_id': None},
        {'score': -1},
        {'score': '42'},
        {'score': 1.5},
        {'score': True},
        {'pattern': ''},
        {'pattern': 'a\0b'},
        {'limit': 0},
        {'repeat': 1001},
        {'path': '/etc'},
    ],
)
def test_wrong_requests(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        RankRequest().load({'request_id': 'r', 'score': 1} | change)
    assert list(caught.value.messages_dict) == list(change)


@pytest.mark.parametrize(('score', 'place'), [(0, 3), (1, 2), (2, 1), (3, 1)])
def test_a_score_stands_behind_those_that_have_more(score: int, place: int) -> None:
    output = 'b.py\0001:x\na.py\0001:x\nb.py\0002:x\n'
    found = rank({'request_id': 'r', 'score': score, 'limit': 1}, [output])
    assert found == {
        'request_id': 'r',
        'score': score,
        'rank': place,
        'of': 3,
        'top': [{'path': 'b.py', 'matches': 2}],
    }


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / 'few.txt').write_text('needle\nhay\nneedle\n', encoding='utf-8')
    (tmp_path / 'many.txt').write_text('needle\n' * 60, encoding='utf-8')
    return tmp_path


@needs_ripgrep
def test_a_request_is_searched_for_and_ranked(files: Path) -> None:
    options = {'rank_paths': str(files), 'rank_pattern': 'needle'}
    config = {'handler': options, 'webapp': {'enabled': True}}
    with WorkerHarness(RipgrepHandler, config=config, sinks=[FilePayload]) as worker:
        report = worker.request({'request_id': 'manual-1', 'score': 42})
        assert (report['status'], report['request_id']) == ('ok', 'manual-1')
        assert report['result'] == {
            'request_id': 'manual-1',
            'score': 42,
            'rank': 2,
            'of': 3,
            'top': [
                {'path': f'{files}/many.txt', 'matches': 60},
                {'path': f'{files}/few.txt', 'matches': 2},
            ],
        }
        assert worker.request({'request_id': 'r', 'score': 1, 'pattern': 'x('})['result']['of'] == 1


@needs_ripgrep
def test_with_sinks_a_request_leaves_what_a_message_leaves(files: Path) -> None:
    config = {
        'handler': {'rank_paths': str(files), 'rank_pattern': 'needle'},
        'webapp': {'enabled': True, 'sinks_enabled': True},
    }
    with WorkerHarness(RipgrepHandler, config=config, sinks=[FilePayload]) as worker:
        report = worker.request({'request_id': 'manual-1', 'score': 42})
        assert report['sinks']['by_type']['filesystem']['delivered'] == 3
        (summary,) = [p for p in worker.payloads if getattr(p, 'path', '') == 'summaries.jsonl']
        assert summary.data['request_id'] == 'manual-1'
        assert summary.data['match_count'] == 62


@needs_ripgrep
def test_the_second_request_comes_from_the_cache(files: Path, tmp_path: Path) -> None:
    config = {
        'handler': {'rank_paths': str(files / 'many.txt'), 'rank_pattern': 'needle'},
        'webapp': {'enabled': True},
        'cache': {'enabled': True, 'db_dir': str(tmp_path / 'cache')},
    }
    with WorkerHarness(RipgrepHandler, config=config, sinks=[FilePayload]) as worker:
        first, second = (worker.request({'request_id': r, 'score': 1}) for r in ('a', 'b'))
    assert (first['cache'], second['cache']) == (
        {'hits': 0, 'misses': 1},
        {'hits': 1, 'misses': 0},
    )
    assert first['result']['top'] == second['result']['top']


def test_requests_go_before_messages() -> None:
    handler = RipgrepHandler()
    http = dk.ExecutorTask(source_offsets=[900], origin='http')
    early, late = (dk.ExecutorTask(source_offsets=[n], origin='kafka') for n in (1, 2))
    assert sorted([late, http, early], key=handler.task_priority) == [http, early, late]
