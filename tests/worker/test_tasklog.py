from __future__ import annotations

import pytest
import structlog.testing

import drakkar.api as dk
from drakkar.models.task import ExecutorError, ExecutorResult, FailureKind
from drakkar.testing import run_handler
from drakkar.worker.tasklog import TaskLog

TASK = dk.ExecutorTask(labels={'who': 'me'}, partition=3)


def failed(action: str) -> list[dict[str, object]]:
    with structlog.testing.capture_logs() as logs:
        TaskLog(0.5).task_failed(ExecutorError(TASK, FailureKind.EXIT, 2, stderr='no'), action)
    return [dict(line) for line in logs]


def test_long_tasks_are_logged_and_short_ones_are_not() -> None:
    with structlog.testing.capture_logs() as logs:
        for seconds in (0.499, 0.5):
            TaskLog(0.5).task_completed(ExecutorResult(TASK, duration_seconds=seconds, slot=2))
    assert logs == [
        {
            'event': 'task_completed',
            'log_level': 'info',
            'task_id': TASK.task_id,
            'partition': 3,
            'seconds': 0.5,
            'slot': 2,
            'labels': {'who': 'me'},
        }
    ]


@pytest.mark.parametrize('action', ['retry', 'replace'])
def test_a_failure_that_is_not_the_last_word_is_a_warning(action: str) -> None:
    (line,) = failed(action)
    assert (line['log_level'], line['action'], line['error']) == (
        'warning',
        action,
        'exit code 2: no',
    )


@pytest.mark.parametrize('action', ['skip', 'dlq', 'cancelled'])
def test_what_the_pipeline_logs_itself_is_not_logged_twice(action: str) -> None:
    assert failed(action) == []


class Failing(dk.Handler):
    def arrange(
        self, messages: list[dk.SourceMessage], pending: dk.PendingContext
    ) -> list[dk.ExecutorTask]:
        return [dk.ExecutorTask(source_offsets=[m.offset]) for m in messages]

    def on_error(self, task: dk.ExecutorTask, error: dk.ExecutorError) -> dk.Action:
        return dk.RETRY


def test_each_failure_of_a_run_is_logged_once() -> None:
    executor = {'binary_path': '/bin/false', 'max_retries': 2, 'retry_backoff_seconds': 0.001}
    with structlog.testing.capture_logs() as logs:
        run_handler(Failing, [{}], config={'executor': executor})
    lines = [line for line in logs if line['event'] == 'task_failed']
    assert [line['action'] for line in lines] == ['retry', 'retry', 'dlq']
    assert {line['log_level'] for line in lines} == {'warning'}
