"""The handler in a whole worker, with the real ripgrep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import drakkar.api as dk
from drakkar.testing import WorkerHarness, run_handler
from drakkar_handler_ripgrep import RipgrepHandler
from drakkar_handler_ripgrep.program import find_ripgrep
from drakkar_sink_filesystem import FilePayload

try:
    find_ripgrep()
except dk.ConfigError as error:
    pytestmark = pytest.mark.skip(reason=str(error))

FAST_RETRIES = {'retry_backoff_seconds': 0.01, 'retry_backoff_max_seconds': 0.01}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / 'few.txt').write_text('needle\nhay\nneedle\n', encoding='utf-8')
    (tmp_path / 'many.txt').write_text('needle\n' * 60, encoding='utf-8')
    return tmp_path


def search(messages: list[dict[str, Any]], **config: Any) -> WorkerHarness:
    return run_handler(RipgrepHandler, messages, config=config, sinks=[FilePayload])


def written(run: WorkerHarness, file: str) -> list[dict[str, Any]]:
    payloads = [p for p in run.payloads if isinstance(p, FilePayload) and p.path == file]
    return [payload.data for payload in payloads]


def test_fan_out_and_summary(files: Path) -> None:
    few, many = f'{files}/few.txt', f'{files}/many.txt'
    run = search([{'request_id': 'r1', 'patterns': ['needle', 'hay'], 'paths': [few, many]}])
    found = {(r['pattern'], r['path']): r['match_count'] for r in written(run, 'results.jsonl')}
    assert found == {
        ('needle', few): 2,
        ('needle', many): 60,
        ('hay', few): 1,
        ('hay', many): 0,
    }
    (large,) = written(run, 'large.jsonl')
    assert (large['path'], large['match_count']) == (many, 60)
    (summary,) = written(run, 'summaries.jsonl')
    assert summary.pop('duration_seconds') > 0
    assert summary == {
        'request_id': 'r1',
        'message': '0:0',
        'searches': 4,
        'failed': 0,
        'match_count': 63,
        'file_count': 2,
    }
    assert run.committed == {0: 1}


def test_fan_in_serves_every_message(files: Path) -> None:
    request = {'pattern': 'needle', 'file_path': f'{files}/few.txt'}
    run = search([{'request_id': f'r{n}'} | request for n in range(5)])
    # How many windows there are depends on timing; each has one task.
    results = written(run, 'results.jsonl')
    assert sorted(i for result in results for i in result['request_ids']) == [
        'r0',
        'r1',
        'r2',
        'r3',
        'r4',
    ]
    assert [s['match_count'] for s in written(run, 'summaries.jsonl')] == [2] * 5
    assert run.committed == {0: 5}


def test_simulated_failures_are_retried_to_success(files: Path) -> None:
    run = search(
        [
            {'request_id': f'r{n}', 'pattern': 'hay', 'file_path': f'{files}/few.txt', 'repeat': n}
            for n in range(1, 6)
        ],
        executor=FAST_RETRIES,
        handler={'simulated_failure_percent': 100},
    )
    assert [error.exit_code for error, action in run.record.errors] == [75] * 5
    assert {action for _, action in run.record.errors} == {'retry'}
    assert [result['match_count'] for result in written(run, 'results.jsonl')] == [1] * 5
    assert run.dead_letters == []


def test_bad_requests_become_dead_letters_and_the_rest_goes_on(files: Path) -> None:
    run = search(
        [
            {'request_id': 'regex', 'pattern': '(', 'file_path': str(files)},
            {'request_id': 'file', 'pattern': 'x', 'file_path': f'{files}/missing'},
            {'pattern': 'no id', 'file_path': str(files)},
            {'request_id': 'good', 'pattern': 'hay', 'file_path': str(files)},
        ]
    )
    stages = {letter.message.offset: (letter.stage, letter.error) for letter in run.dead_letters}
    assert {offset: stage for offset, (stage, _) in stages.items()} == {
        0: 'execute',
        1: 'execute',
        2: 'parse',
    }
    assert 'regex parse error' in stages[0][1] or 'unclosed group' in stages[0][1]
    assert 'No such file' in stages[1][1]
    assert [r['request_ids'] for r in written(run, 'results.jsonl')] == [['good']]
    assert run.committed == {0: 4}


def test_lines_are_limited_and_counts_are_not(files: Path) -> None:
    run = search(
        [{'request_id': 'r', 'pattern': 'needle', 'file_path': f'{files}/many.txt'}],
        handler={'max_lines': 3},
    )
    (result,) = written(run, 'results.jsonl')
    assert (result['match_count'], len(result['lines'])) == (60, 3)


def test_a_probe_counts_nothing(files: Path) -> None:
    def counted() -> list[float]:
        metrics = (RipgrepHandler.searches, RipgrepHandler.matches)
        families = [family for metric in metrics for family in metric.collect()]
        return [s.value for f in families for s in f.samples if not s.name.endswith('_created')]

    before = counted()
    request = {'request_id': 'r1', 'patterns': ['needle', '('], 'paths': [f'{files}/few.txt']}
    with WorkerHarness(RipgrepHandler, sinks=[FilePayload]) as run:
        report = run.probe(request)
    assert report['sinks']
    assert report['dead_letters']
    assert counted() == before


CACHE = {'cache': {'enabled': True}, 'executor': {'window_size': 1}}


def ask_again(files: Path, first: dict[str, Any], second: dict[str, Any], **config: Any) -> Any:
    """Search twice, the second time after the first; return the worker."""
    run = WorkerHarness(RipgrepHandler, config=config, sinks=[FilePayload])
    with run:
        for number, request in enumerate((first, second), start=1):
            run.send([{'request_id': f'r{number}', 'file_path': f'{files}/few.txt'} | request])
            run.wait_for(lambda: len(run.record.done) == number)  # noqa: B023
    return run


def sources(run: WorkerHarness) -> list[str]:
    return [task.labels.get('source', '') for task in run.record.tasks]


def test_a_search_that_was_run_before_comes_from_the_cache(files: Path) -> None:
    run = ask_again(files, {'pattern': 'needle'}, {'pattern': 'needle'}, **CACHE)
    assert sources(run) == ['', 'cache']
    assert [result.pid is None for result in run.record.results] == [False, True]
    first, second = written(run, 'results.jsonl')
    assert (first['request_ids'], second['request_ids']) == (['r1'], ['r2'])
    for fields in (first, second):
        del fields['request_ids'], fields['duration_seconds']
    assert first == second
    assert [s['match_count'] for s in written(run, 'summaries.jsonl')] == [2, 2]


@pytest.mark.parametrize('other', [{'pattern': 'hay'}, {'pattern': 'needle', 'repeat': 2}])
def test_another_search_is_run(files: Path, other: dict[str, Any]) -> None:
    assert sources(ask_again(files, {'pattern': 'needle'}, other, **CACHE)) == ['', '']


@pytest.mark.parametrize('off', [{'cache': {'enabled': False}}, {'handler': {'cache_seconds': 0}}])
def test_without_a_cache_each_search_is_run(files: Path, off: dict[str, Any]) -> None:
    run = ask_again(files, {'pattern': 'needle'}, {'pattern': 'needle'}, **{**CACHE, **off})
    assert sources(run) == ['', '']


def test_output_that_is_not_whole_is_not_kept(files: Path) -> None:
    config = {**CACHE, 'executor': {'window_size': 1, 'max_stdout_bytes': 20}}
    run = ask_again(files, {'pattern': 'needle'}, {'pattern': 'needle'}, **config)
    assert sources(run) == ['', '']
