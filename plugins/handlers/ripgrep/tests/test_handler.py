"""The hooks of the handler, with ripgrep run in between."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

import drakkar.api as dk
from drakkar.testing import WorkerHarness
from drakkar_handler_ripgrep import RipgrepHandler, SearchRequest
from drakkar_handler_ripgrep.program import WRAPPER, find_ripgrep
from drakkar_sink_filesystem import FilePayload

try:
    RIPGREP = find_ripgrep()
except dk.ConfigError as error:
    pytestmark = pytest.mark.skip(reason=str(error))


def start(executor: dict[str, Any] | None = None, **options: Any) -> WorkerHarness:
    """Make the handler as a worker does, with `[handler]` options given; nothing runs."""
    config = {'handler': options, 'executor': executor or {}}
    return WorkerHarness(RipgrepHandler, config=config, sinks=[FilePayload])


def message(offset: int, **request: Any) -> dk.SourceMessage:
    request = {'request_id': f'r{offset}'} | request
    payload = SearchRequest().load(request)
    return dk.SourceMessage('requests', 3, offset, b'', payload=payload)


def run(worker: WorkerHarness, task: dk.ExecutorTask) -> dk.ExecutorResult | dk.ExecutorError:
    """Run a task the way the pool does."""
    done = subprocess.run(
        [worker.config.executor.binary_path, *task.args],
        env={'PATH': os.environ['PATH'], **(task.env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return dk.ExecutorError(
            task, dk.FailureKind.EXIT, done.returncode, done.stdout, done.stderr
        )
    return dk.ExecutorResult(task, 0, done.stdout, done.stderr, 0.5)


def arrange(worker: WorkerHarness, *messages: dk.SourceMessage) -> list[dk.ExecutorTask]:
    return list(worker.handler.arrange(messages, dk.PendingContext({})))


def counted(outcome: str) -> float:
    return RipgrepHandler.searches.labels(outcome)._value.get()


def test_startup_fills_in_the_bundled_program() -> None:
    assert start().config.executor.binary_path == str(WRAPPER)


def test_startup_leaves_a_configured_program_alone() -> None:
    worker = start({'binary_path': '/usr/local/bin/run-rg'})
    assert worker.config.executor.binary_path == '/usr/local/bin/run-rg'
    (task,) = arrange(worker, message(0, pattern='x', file_path='a'))
    assert task.env == {}


def test_patterns_times_paths_become_tasks() -> None:
    tasks = arrange(start(), message(7, patterns=['x', 'y'], paths=['a', 'b'], repeat=2))
    assert [(t.metadata['pattern'], t.metadata['path']) for t in tasks] == [
        ('x', 'a'),
        ('x', 'b'),
        ('y', 'a'),
        ('y', 'b'),
    ]
    assert all(t.source_offsets == [7] and t.args[0] == '2' for t in tasks)
    assert tasks[0].labels == {'request_id': 'r7', 'pattern': 'x'}


def test_equal_searches_of_a_window_share_a_task() -> None:
    first, second = arrange(
        start(),
        message(1, pattern='x', paths=['a', 'b']),
        message(2, pattern='x', file_path='a'),
        message(3, pattern='x', file_path='a', request_id='r1'),
    )
    assert (first.source_offsets, second.source_offsets) == ([1, 2, 3], [1])
    assert first.metadata['request_ids'] == ['r1', 'r2']
    assert first.labels['request_id'] == 'r1 +1'


def test_searches_that_repeat_differently_are_not_equal() -> None:
    tasks = arrange(
        start(),
        message(1, pattern='x', file_path='a'),
        message(2, pattern='x', file_path='a', repeat=2),
    )
    assert [t.source_offsets for t in tasks] == [[1], [2]]


def test_message_that_did_not_decode_has_no_task() -> None:
    broken = dk.SourceMessage('requests', 3, 4, b'{')
    worker = start()
    assert arrange(worker, broken) == []
    assert worker.handler.on_message_complete(dk.MessageGroup(broken)) == []
    assert worker.handler.message_label(broken) == '3:4'


def test_message_label_is_the_request() -> None:
    assert start().handler.message_label(message(1, pattern='x', file_path='a')) == 'r1'


def test_results_are_counted(tmp_path: Path) -> None:
    (tmp_path / 'a.txt').write_text('x\nx\n', encoding='utf-8')
    worker = start()
    before = counted('matched'), counted('empty')
    tasks = arrange(worker, message(1, patterns=['x', 'nowhere'], file_path=str(tmp_path)))
    for task in tasks:
        assert worker.handler.on_task_complete(run(worker, task))
    assert (counted('matched'), counted('empty')) == (before[0] + 1, before[1] + 1)
    assert [t.metadata['match_count'] for t in tasks] == [2, 0]


@pytest.mark.parametrize(('pattern', 'path'), [('(', '.'), ('x', 'no/such/file')])
def test_what_ripgrep_refuses_goes_to_the_dead_letters(
    pattern: str, path: str, tmp_path: Path
) -> None:
    worker = start()
    (task,) = arrange(worker, message(1, pattern=pattern, file_path=str(tmp_path / path)))
    assert worker.handler.on_error(task, run(worker, task)) is dk.DLQ


@pytest.mark.parametrize('kind', [dk.FailureKind.TIMEOUT, dk.FailureKind.KILLED])
def test_what_may_pass_is_retried(kind: dk.FailureKind) -> None:
    worker = start()
    (task,) = arrange(worker, message(1, pattern='x', file_path='a'))
    assert worker.handler.on_error(task, dk.ExecutorError(task, kind)) is dk.RETRY


def test_simulated_failure_happens_once_and_is_retried(tmp_path: Path) -> None:
    (tmp_path / 'a.txt').write_text('x\n', encoding='utf-8')
    worker = start(simulated_failure_percent=100)
    (task,) = arrange(worker, message(1, pattern='x', file_path=str(tmp_path / 'a.txt')))
    failure = run(worker, task)
    assert failure.exit_code == 75
    assert worker.handler.on_error(task, failure) is dk.RETRY
    again = run(worker, task)
    assert isinstance(again, dk.ExecutorResult)
    assert again.stdout.endswith('1:x\n')


def test_simulated_failures_follow_seed_and_share() -> None:
    messages = [message(n, pattern='x', file_path=f'f{n}') for n in range(2000)]

    def failing(**options: Any) -> list[int]:
        tasks = arrange(start(**options), *messages)
        return [t.source_offsets[0] for t in tasks if t.env and 'RUN_RG_FAIL' in t.env]

    assert failing() == []
    chosen = failing(simulated_failure_percent=5)
    assert 60 <= len(chosen) <= 140
    assert failing(simulated_failure_percent=5) == chosen
    assert failing(simulated_failure_percent=5, simulated_failure_seed=1) != chosen


def test_readme_lists_every_option_with_its_default() -> None:
    text = (Path(__file__).parents[1] / 'README.md').read_text(encoding='utf-8')
    for name, field in RipgrepHandler.options_schema().fields.items():
        assert f'| `{name}` | {field.render(field.default)} |' in text


@pytest.mark.parametrize(
    ('sink_type', 'refused', 'action'),
    [
        ('kafka', False, dk.RETRY),
        ('postgres', False, dk.RETRY),
        ('postgres', True, dk.DLQ),
        ('http', False, dk.DLQ),
    ],
)
def test_failed_deliveries_by_sink_type(sink_type: str, refused: bool, action: dk.Action) -> None:
    failure = dk.DeliveryFailure(dk.SinkRef(sink_type, 'x'), [], OSError(), refused=refused)
    assert start().handler.on_delivery_error(failure) is action
