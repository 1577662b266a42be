from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drakkar.errors import HandlerError
from drakkar.models.task import ExecutorTask, PendingContext, PrecomputedResult
from drakkar.pipeline.checks import check_tasks


def checked(tasks: Any, pending: dict[str, ExecutorTask] | None = None) -> Any:
    return check_tasks('arrange', tasks, [4, 5], PendingContext(pending or {}))


def task(**fields: Any) -> ExecutorTask:
    return ExecutorTask(**{'source_offsets': [4], **fields})


@pytest.mark.parametrize('offsets', [[4, 5], (5,), {4}, range(4, 6), iter([5, 4]), {5: 'x'}.keys()])
def test_offsets_may_be_any_collection_and_are_then_a_list_or_tuple(offsets: Any) -> None:
    (result,) = checked([task(source_offsets=offsets)])
    assert set(result.source_offsets) <= {4, 5}
    assert isinstance(result.source_offsets, (list, tuple))


def test_a_path_to_the_program_may_be_a_path() -> None:
    (result,) = checked((task(binary_path=Path('/bin/true')),))
    assert result.binary_path == '/bin/true'


def test_nothing_is_no_task() -> None:
    assert checked(None) == ()
    assert checked([]) == []


def test_what_is_sound_passes_as_it_is() -> None:
    tasks = [
        task(timeout_seconds=3),
        task(timeout_seconds=None, labels={'a': 'b'}, precomputed=PrecomputedResult()),
    ]
    assert checked(tasks) is tasks


@pytest.mark.parametrize(
    ('fields', 'says'),
    [
        ({'source_offsets': []}, r'source_offsets \[\]; each must be an offset of a message'),
        ({'source_offsets': [4, 6]}, r'source_offsets \[4, 6\].*given: \[4, 5\]'),
        ({'source_offsets': iter([6])}, r'source_offsets \[6\]'),
        ({'source_offsets': 4}, 'source_offsets 4; they must be a list of offsets'),
        ({'source_offsets': None}, 'source_offsets None; they must be a list of offsets'),
        ({'source_offsets': [[4]]}, r'source_offsets \[\[4\]\]; they must be a list of offsets'),
        ({'binary_path': b'/bin/true'}, 'binary_path .* must be text or a path'),
        ({'binary_path': None}, 'binary_path None; it must be text or a path'),
        ({'timeout_seconds': '5'}, "timeout_seconds '5'; it must be a number or None"),
        ({'task_id': 7}, 'task 7 with that task_id; it must be text'),
        ({'task_id': ['x']}, 'with that task_id; it must be text'),
        ({'labels': None}, 'labels None; they must be a mapping'),
        ({'precomputed': 'done'}, "precomputed 'done'; it must be a PrecomputedResult"),
    ],
)
def test_a_task_that_would_fail_later_is_refused_now(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(HandlerError, match=says):
        checked([task(), task(**fields)])


def test_ids_must_differ_among_themselves_and_from_those_in_flight() -> None:
    with pytest.raises(HandlerError, match='ids must differ'):
        checked([task(task_id='a'), task(task_id='a')])
    with pytest.raises(HandlerError, match='task a, which is in flight already'):
        checked([task(task_id='a')], {'a': task()})
