from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drakkar.errors import HandlerError
from drakkar.models.actions import DLQ, RETRY, SKIP
from drakkar.models.task import ExecutorTask
from drakkar.pipeline.outcome import Verdict, judge


@given(attempt=st.integers(1, 20), max_retries=st.integers(0, 10))
def test_retry_is_granted_until_it_is_exhausted(attempt: int, max_retries: int) -> None:
    expected = Verdict.RETRY if attempt <= max_retries else Verdict.DEAD_LETTER
    assert judge(RETRY, attempt, max_retries).verdict is expected


@pytest.mark.parametrize(('answer', 'verdict'), [(SKIP, Verdict.SKIP), (DLQ, Verdict.DEAD_LETTER)])
def test_plain_answers_do_not_depend_on_the_attempt(answer: object, verdict: Verdict) -> None:
    assert judge(answer, 1, 3).verdict is verdict
    assert judge(answer, 99, 3).verdict is verdict


def test_tasks_replace_the_failed_one() -> None:
    tasks = [ExecutorTask(args=['a']), ExecutorTask(args=['b'])]
    outcome = judge(tasks, 1, 0)
    assert outcome.verdict is Verdict.REPLACE
    assert outcome.replacements == tasks


def test_no_replacement_at_all_is_a_skip() -> None:
    assert judge([], 1, 3).verdict is Verdict.SKIP


@pytest.mark.parametrize('answer', [None, 'retry', 3, [RETRY], {'retry': 1}])
def test_anything_else_is_refused_by_name(answer: Any) -> None:
    with pytest.raises(HandlerError, match='must return RETRY, SKIP, DLQ or a list of tasks'):
        judge(answer, 1, 3)
