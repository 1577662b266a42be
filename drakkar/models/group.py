"""One message with all that came of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from drakkar.models.message import SourceMessage
from drakkar.models.task import ExecutorError, ExecutorResult, ExecutorTask


@dataclass(slots=True, eq=False)
class MessageGroup:
    """A source message, its tasks (replacements included) and how they ended.

    Handed to `on_message_complete` when every task is terminal. Times are in
    seconds since the epoch. A replaced task is in `tasks` but has neither result
    nor error of its own: its replacements speak for it.
    """

    source_message: SourceMessage
    tasks: list[ExecutorTask] = field(default_factory=list)
    results: list[ExecutorResult] = field(default_factory=list)
    errors: list[ExecutorError] = field(default_factory=list)
    replaced: int = 0
    started_at: float = 0.0
    finished_at: float = 0.0
    origin: str = ''
    client_name: str = ''
    request_id: str = ''

    @property
    def succeeded(self) -> int:
        return len(self.results)

    @property
    def failed(self) -> int:
        return len(self.errors)

    @property
    def total(self) -> int:
        """Tasks that counted: all but the replaced ones."""
        return len(self.tasks) - self.replaced

    @property
    def all_succeeded(self) -> bool:
        return not self.errors

    @property
    def any_failed(self) -> bool:
        return bool(self.errors)

    @property
    def is_empty(self) -> bool:
        return not self.tasks

    @property
    def duration_seconds(self) -> float:
        return max(0.0, self.finished_at - self.started_at)
