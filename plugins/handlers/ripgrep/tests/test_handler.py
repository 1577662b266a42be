"""The hooks of the handler, with ripgrep run in between."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from drakkar_handler_ripgrep import RipgrepHandler, SearchRequest
from drakkar_handler_ripgrep.program import WRAPPER, find_ripgrep

import drakkar.api as dk
from drakkar.cli.common import load_config

try:
    RIPGREP = find_ripgrep()
except dk.ConfigError as error:
    pytestmark = pytest.mark.skip(reason=str(error))

Start = Callable[..., RipgrepHandler]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Makes handlers as a worker does, with `[handler]` options and sections given."""

    def make(sections: str = '', **options: Any) -> RipgrepHandler:
        lines = [f'{name} = {value}' for name, value in options.items()]
        ini = tmp_path / 'drakkar.ini'
        ini.write_text(
            '\n'.join(
                [
                    '[drakkar]\nhandler = ripgrep',
                    f'[log]\npath = {tmp_path}/log',
                    '[handler]',
                    *lines,
                    sections,
                ]
            ),
            encoding='utf-8',
        )
        config = load_config(ini, environ={}).config
        handler = RipgrepHandler()
        handler.options = config.handler
        handler.config = handler.on_startup(config)
        return handler

    return make


def message(offset: int, **request: Any) -> dk.SourceMessage:
    request = {'request_id': f'r{offset}'} | request
    payload = SearchRequest().load(request)
    return dk.SourceMessage('requests', 3, offset, b'', payload=payload)


def run(handler: Any, task: dk.ExecutorTask) -> dk.ExecutorResult | dk.ExecutorError:
    """Run a task the way the pool does."""
    done = subprocess.run(
        [handler.config.executor.binary_path, *task.args],
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


def arrange(handler: RipgrepHandler, *messages: dk.SourceMessage) -> list[dk.ExecutorTask]:
    return handler.arrange(messages, dk.PendingContext({}))


def counted(outcome: str) -> float:
    return RipgrepHandler.searches.labels(outcome)._value.get()


def test_startup_fills_in_the_bundled_program(start: Start) -> None:
    assert start().config.executor.binary_path == str(WRAPPER)


def test_startup_leaves_a_configured_program_alone(start: Start) -> None:
    handler = start('[executor]\nbinary_path = /usr/local/bin/run-rg')
    assert handler.config.executor.binary_path == '/usr/local/bin/run-rg'
    (task,) = arrange(handler, message(0, pattern='x', file_path='a'))
    assert task.env == {}


def test_patterns_times_paths_become_tasks(start: Start) -> None:
    tasks = arrange(start(), message(7, patterns=['x', 'y'], paths=['a', 'b'], repeat=2))
    assert [(t.metadata['pattern'], t.metadata['path']) for t in tasks] == [
        ('x', 'a'),
        ('x', 'b'),
        ('y', 'a'),
        ('y', 'b'),
    ]
    assert all(t.source_offsets == [7] and t.args[0] == '2' for t in tasks)
    assert tasks[0].labels == {'request_id': 'r7', 'pattern': 'x'}


def test_equal_searches_of_a_window_share_a_task(start: Start) -> None:
    first, second = arrange(
        start(),
        message(1, pattern='x', paths=['a', 'b']),
        message(2, pattern='x', file_path='a'),
        message(3, pattern='x', file_path='a', request_id='r1'),
    )
    assert (first.source_offsets, second.source_offsets) == ([1, 2, 3], [1])
    assert first.metadata['request_ids'] == ['r1', 'r2']
    assert first.labels['request_id'] == 'r1 +1'


def test_searches_that_repeat_differently_are_not_equal(start: Start) -> None:
    tasks = arrange(
        start(),
        message(1, pattern='x', file_path='a'),
        message(2, pattern='x', file_path='a', repeat=2),
    )
    assert [t.source_offsets for t in tasks] == [[1], [2]]


def test_message_that_did_not_decode_has_no_task(start: Start) -> None:
    broken = dk.SourceMessage('requests', 3, 4, b'{')
    handler = start()
    assert arrange(handler, broken) == []
    assert handler.on_message_complete(dk.MessageGroup(broken)) == []
    assert handler.message_label(broken) == '3:4'


def test_message_label_is_the_request(start: Start) -> None:
    assert start().message_label(message(1, pattern='x', file_path='a')) == 'r1'


def test_results_are_counted(start: Start, tmp_path: Path) -> None:
    (tmp_path / 'a.txt').write_text('x\nx\n', encoding='utf-8')
    handler = start()
    before = counted('matched'), counted('empty')
    tasks = arrange(handler, message(1, patterns=['x', 'nowhere'], file_path=str(tmp_path)))
    for task in tasks:
        # Without a sink of a type that has routes there is nothing to send.
        assert handler.on_task_complete(run(handler, task)) == []
    assert (counted('matched'), counted('empty')) == (before[0] + 1, before[1] + 1)
    assert [t.metadata['match_count'] for t in tasks] == [2, 0]


@pytest.mark.parametrize(('pattern', 'path'), [('(', '.'), ('x', 'no/such/file')])
def test_what_ripgrep_refuses_goes_to_the_dead_letters(
    start: Start, pattern: str, path: str, tmp_path: Path
) -> None:
    handler = start()
    (task,) = arrange(handler, message(1, pattern=pattern, file_path=str(tmp_path / path)))
    assert handler.on_error(task, run(handler, task)) is dk.DLQ


@pytest.mark.parametrize('kind', [dk.FailureKind.TIMEOUT, dk.FailureKind.KILLED])
def test_what_may_pass_is_retried(start: Start, kind: dk.FailureKind) -> None:
    handler = start()
    (task,) = arrange(handler, message(1, pattern='x', file_path='a'))
    assert handler.on_error(task, dk.ExecutorError(task, kind)) is dk.RETRY


def test_simulated_failure_happens_once_and_is_retried(start: Start, tmp_path: Path) -> None:
    (tmp_path / 'a.txt').write_text('x\n', encoding='utf-8')
    handler = start(simulated_failure_percent=100)
    (task,) = arrange(handler, message(1, pattern='x', file_path=str(tmp_path / 'a.txt')))
    failure = run(handler, task)
    assert failure.exit_code == 75
    assert handler.on_error(task, failure) is dk.RETRY
    again = run(handler, task)
    assert isinstance(again, dk.ExecutorResult)
    assert again.stdout.endswith('1:x\n')


def test_simulated_failures_follow_seed_and_share(start: Start) -> None:
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
