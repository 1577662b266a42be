"""Logs the ends of tasks that somebody may ask for: long ones, and every failure."""

from __future__ import annotations

import structlog

from drakkar.contracts.observer import Observer
from drakkar.models.task import ExecutorError, ExecutorResult

log = structlog.get_logger('drakkar.tasks')

# What the pipeline logs itself when it gives a task up, with the messages that are lost by it.
_LOGGED_ELSEWHERE = ('skip', 'dlq')


class TaskLog(Observer):
    """Logs finished tasks of at least `min_seconds`, and failures that are not the last word."""

    def __init__(self, min_seconds: float) -> None:
        self._min_seconds = min_seconds

    def task_completed(self, result: ExecutorResult) -> None:
        if result.duration_seconds >= self._min_seconds:
            log.info(
                'task_completed',
                task_id=result.task.task_id,
                partition=result.task.partition,
                seconds=round(result.duration_seconds, 3),
                slot=result.slot,
                labels=result.task.labels,
            )

    def task_failed(self, error: ExecutorError, action: str) -> None:
        if action == 'cancelled' or action in _LOGGED_ELSEWHERE:
            return
        log.warning(
            'task_failed',
            task_id=error.task.task_id,
            partition=error.task.partition,
            error=error.summary,
            attempts=error.attempt,
            action=action,
        )
