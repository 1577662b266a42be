"""Tasks, their results and their failures."""

from __future__ import annotations

import enum
import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Unique over restarts and workers without a random number per task.
_task_numbers = itertools.count(1)
_process_tag = os.urandom(4).hex()


def new_task_id() -> str:
    """Return an id that no other task of any worker has."""
    return f'{_process_tag}-{next(_task_numbers)}'


class FailureKind(enum.Enum):
    """Why a task failed. Control flow goes by this, never by an error's text."""

    EXIT = 'exit'  # the program ended with a non-zero exit code
    TIMEOUT = 'timeout'  # it ran longer than its timeout and was killed
    SPAWN = 'spawn'  # it could not be started
    KILLED = 'killed'  # a signal that we did not send ended it
    CANCELLED = 'cancelled'  # we gave it up: partition revoked, shutdown, client gone


@dataclass(slots=True)
class PrecomputedResult:
    """The outcome of a task that need not run, from a cache for example."""

    stdout: str = ''
    stderr: str = ''
    exit_code: int = 0
    duration_seconds: float = 0.0


@dataclass(slots=True, eq=False)
class ExecutorTask:
    """One run of an external program.

    `args` is the argument vector without the program itself; no shell sees it.
    `source_offsets` are the offsets of the window's messages that this task
    serves. `stdin` is written to the program and closed; None means no input.
    `binary_path`, `timeout_seconds` and `env` override or extend the
    configuration for this task. `labels` are short texts for logs and the UI;
    `metadata` is for the handler alone. The framework stamps `origin`,
    `client_name`, `request_id`, `topic` and `partition`.
    """

    args: Sequence[str] = ()
    source_offsets: Sequence[int] = ()
    stdin: str | bytes | None = None
    env: Mapping[str, str] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    binary_path: str = ''
    timeout_seconds: float | None = None
    precomputed: PrecomputedResult | None = None
    parent_task_id: str | None = None
    task_id: str = field(default_factory=new_task_id)
    origin: str = ''
    client_name: str = ''
    request_id: str = ''
    topic: str = ''
    partition: int = -1


@dataclass(slots=True, eq=False)
class ExecutorResult:
    """A task whose program exited with code 0 (or was precomputed: `pid` is None).

    Output is text; bytes that are not UTF-8 are replaced. `stdout_truncated` and
    `stderr_truncated` say that a capture reached its cap. `queue_seconds` is the
    wait for a slot; `slot` is -1 for precomputed tasks.
    """

    task: ExecutorTask
    exit_code: int = 0
    stdout: str = ''
    stderr: str = ''
    duration_seconds: float = 0.0
    pid: int | None = None
    stdout_truncated: bool = False
    stderr_truncated: bool = False
    queue_seconds: float = 0.0
    slot: int = -1
    attempt: int = 1


@dataclass(slots=True, eq=False)
class ExecutorError:
    """A run that failed, with all that is known of it.

    `exit_code` is None where the program never ran, and `-N` where signal N
    ended it. `exception` is the text of what went wrong, for people. `attempt`
    counts the runs of this task, this one included.
    """

    task: ExecutorTask
    kind: FailureKind
    exit_code: int | None = None
    stdout: str = ''
    stderr: str = ''
    exception: str = ''
    pid: int | None = None
    duration_seconds: float = 0.0
    stdout_truncated: bool = False
    stderr_truncated: bool = False
    queue_seconds: float = 0.0
    slot: int = -1
    attempt: int = 1

    @property
    def summary(self) -> str:
        """One line: what happened, and the end of what the program said."""
        said = self.exception or self.stderr.strip().rpartition('\n')[2]
        where = f'exit code {self.exit_code}' if self.kind is FailureKind.EXIT else self.kind.value
        return f'{where}: {said[:500]}' if said else where


TaskOutcome = ExecutorResult | ExecutorError


class PendingContext:
    """The tasks of this partition that are waiting or running, for de-duplication.

    A live, read-only view: `len()`, iteration over tasks, and `task_id in pending`.
    """

    __slots__ = ('_tasks',)

    def __init__(self, tasks: Mapping[str, ExecutorTask]) -> None:
        self._tasks = tasks

    @property
    def tasks(self) -> list[ExecutorTask]:
        return list(self._tasks.values())

    @property
    def task_ids(self) -> set[str]:
        return set(self._tasks)

    def __contains__(self, task_id: object) -> bool:
        return task_id in self._tasks

    def __len__(self) -> int:
        return len(self._tasks)

    def __iter__(self) -> Iterator[ExecutorTask]:
        return iter(self.tasks)
