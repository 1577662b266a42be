"""The handler's last calls: what `arrange` made of messages, and what came of results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from drakkar.models.payload import Payload
from drakkar.recorder.live.gist import LABEL_CHARS, TaskGist, shown, shown_labels, shown_texts

MESSAGES_NAMED = 5


class ArrangeCall(NamedTuple):
    """One call of `arrange`; `labels` name the first of its `messages`.

    `request` names the HTTP request that it was for, if it was for one.
    """

    revision: int
    time: float
    partition: int
    first_offset: int
    last_offset: int
    messages: int
    labels: Sequence[str]
    tasks: int
    duration: float
    request: str = ''

    def view(self) -> dict[str, Any]:
        return self._asdict() | {
            'request': shown(self.request, LABEL_CHARS),
            'time': round(self.time, 3),
            'labels': shown_texts(self.labels),
            'duration': round(self.duration, 6),
        }


class Collected(NamedTuple):
    """One call of a hook that returns payloads; `outputs` counts them by type and sink.

    `duration` is that of `on_task_complete` itself, and from the first message on for
    the others.
    """

    revision: int
    time: float
    hook: str
    partition: int
    offset: int
    messages: int
    task: TaskGist | None
    outputs: Mapping[tuple[str, str], int]
    duration: float

    def view(self) -> dict[str, Any]:
        task = self.task
        http = task is not None and task.origin == 'http'
        return {
            'revision': self.revision,
            'time': round(self.time, 3),
            'hook': self.hook,
            'partition': self.partition,
            'task_id': task.task_id if task else '',
            'name': task.name if task else f'p{self.partition}:o{self.offset}',
            'http': http,
            'message': '' if http or self.offset < 0 else f'{self.partition}:{self.offset}',
            'messages': self.messages,
            'labels': shown_labels(task.labels) if task else {},
            'outputs': {'.'.join(filter(None, sink)): n for sink, n in self.outputs.items()},
            'duration': round(self.duration, 6),
        }


def count_outputs(payloads: Sequence[Payload]) -> dict[tuple[str, str], int]:
    """Count payloads by type and sink; the sink is empty where the handler named none."""
    counts: dict[tuple[str, str], int] = {}
    for payload in payloads:
        sink = (payload.sink_type, payload.sink)
        counts[sink] = counts.get(sink, 0) + 1
    return counts
