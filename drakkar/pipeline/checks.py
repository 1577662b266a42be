"""Sees that tasks from a handler can be run and accounted for, before any is taken on."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Any

from drakkar.errors import HandlerError
from drakkar.models.task import ExecutorTask, PendingContext, PrecomputedResult


def check_tasks(
    hook: str, tasks: Any, offsets: Collection[int], pending: PendingContext
) -> list[ExecutorTask] | tuple[ExecutorTask, ...]:
    """Return what `hook` returned, as tasks whose `source_offsets` are all in `offsets`.

    A path or an iterator where text or a list should be is put right. Raises
    HandlerError, which says what is wrong with which task, for anything that
    would only fail later, where it could take more than these messages with it.
    """
    if tasks is None:
        return ()
    if not isinstance(tasks, (list, tuple)):
        raise HandlerError(f'{hook} returned {tasks!r:.200}; it must return a list of tasks')
    known = frozenset(offsets)
    for task in tasks:
        if not isinstance(task, ExecutorTask):
            raise HandlerError(f'{hook} returned {task!r:.200} in its list, which is not a task')
        problem = _problem(task) or _misplaced(task, known)
        if problem:
            raise HandlerError(f'{hook} returned task {task.task_id} with {problem}')
        if task.task_id in pending:
            raise HandlerError(f'{hook} returned task {task.task_id}, which is in flight already')
    if len({task.task_id for task in tasks}) != len(tasks):
        raise HandlerError(f'{hook} returned several tasks with one task_id; ids must differ')
    return tasks


def _problem(task: ExecutorTask) -> str:
    """Put right what can be, and return what can not."""
    if type(task.binary_path) is not str:
        if not isinstance(task.binary_path, os.PathLike):
            return f'binary_path {task.binary_path!r:.200}; it must be text or a path'
        task.binary_path = os.fsdecode(task.binary_path)
    if not isinstance(task.task_id, str):
        return 'that task_id; it must be text'
    if not isinstance(task.timeout_seconds, (int, float, type(None))):
        return f'timeout_seconds {task.timeout_seconds!r:.200}; it must be a number or None'
    if not isinstance(task.labels, Mapping):
        return f'labels {task.labels!r:.200}; they must be a mapping'
    if task.precomputed is not None and not isinstance(task.precomputed, PrecomputedResult):
        return f'precomputed {task.precomputed!r:.200}; it must be a PrecomputedResult'
    return ''


def _misplaced(task: ExecutorTask, known: frozenset[int]) -> str:
    try:
        if not isinstance(task.source_offsets, (list, tuple)):
            task.source_offsets = list(task.source_offsets)  # a set, an iterator that ends once
        if task.source_offsets and known.issuperset(task.source_offsets):
            return ''
    except TypeError:
        return f'source_offsets {task.source_offsets!r:.200}; they must be a list of offsets'
    return (
        f'source_offsets {list(task.source_offsets)!r:.200}; each must be an offset of a '
        f'message it was given: {sorted(known)!r:.200}'
    )
