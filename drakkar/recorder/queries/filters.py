"""Which events are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# The text of `labels` is searched as it is written: what LIKE would read as a pattern is escaped.
_LIKE = str.maketrans({'%': r'\%', '_': r'\_', '\\': r'\\'})


def like(text: str) -> str:
    """Return the LIKE pattern (`ESCAPE '\\'`) for values that contain `text`."""
    return f'%{text.translate(_LIKE)}%'


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Conditions that all must hold; what is None or empty is none.

    `origin` is the source's name (`kafka`, `log`) or `http`; `since` and `until` are
    in seconds since the epoch; `labels` is a text that the labels contain. An
    `offset` finds the rows that speak of a range around it too.
    """

    types: tuple[str, ...] = ()
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    task_id: str | None = None
    origin: str | None = None
    request_id: str | None = None
    since: float | None = None
    until: float | None = None
    labels: str = ''

    def values(self) -> dict[str, Any]:
        """Return the parameters of a query with these conditions."""
        return {
            'topic': self.topic,
            'partition': self.partition,
            'offset': self.offset,
            'task_id': self.task_id,
            'origin': self.origin,
            'request_id': self.request_id,
            'since': self.since,
            'until': self.until,
            'labels': like(self.labels),
        }

    @property
    def is_selective(self) -> bool:
        """Whether an index leads to few rows at once."""
        return (
            self.task_id is not None
            or self.request_id is not None
            or (self.partition is not None and self.offset is not None)
        )

    @property
    def needs_scan(self) -> bool:
        """Whether rows must be read that may not be wanted, whatever their type."""
        return bool(self.labels) or any(
            value is not None
            for value in (
                self.topic,
                self.partition,
                self.offset,
                self.origin,
                self.since,
                self.until,
            )
        )
