"""What follows from a failed run and the handler's answer to it. Pure."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field

from drakkar.errors import HandlerError
from drakkar.models.actions import Action
from drakkar.models.task import ExecutorTask


class Verdict(enum.Enum):
    """The fate of a failed task; the values are the `action` that observers hear."""

    RETRY = 'retry'
    SKIP = 'skip'
    DEAD_LETTER = 'dlq'
    REPLACE = 'replace'


@dataclass(frozen=True)
class Outcome:
    verdict: Verdict
    replacements: Sequence[ExecutorTask] = field(default=())


_PLAIN = {Action.SKIP: Outcome(Verdict.SKIP), Action.DLQ: Outcome(Verdict.DEAD_LETTER)}
_RETRY = Outcome(Verdict.RETRY)


def judge(answer: object, attempt: int, max_retries: int) -> Outcome:
    """Turn the answer of `on_error` into an outcome.

    `attempt` counts the runs so far. Retries beyond `max_retries` become dead
    letters: data is never dropped for having failed too often. Raises
    HandlerError for an answer that is neither an action nor tasks.
    """
    if isinstance(answer, Action):
        if answer is Action.RETRY:
            return _RETRY if attempt <= max_retries else _PLAIN[Action.DLQ]
        return _PLAIN[answer]
    if isinstance(answer, (list, tuple)) and all(isinstance(t, ExecutorTask) for t in answer):
        return Outcome(Verdict.REPLACE, answer) if answer else _PLAIN[Action.SKIP]
    raise HandlerError(
        f'on_error returned {answer!r:.200}; it must return RETRY, SKIP, DLQ or a list of tasks'
    )
