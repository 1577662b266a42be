"""What the live page keeps of a task: small, and without its input and output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from drakkar import redact
from drakkar.models.http import HTTP_ORIGIN
from drakkar.models.task import ExecutorTask

LABELS_SHOWN = 8
LABEL_CHARS = 100
COMMAND_CHARS = 200
# Looked at beyond the cut: a secret that the cut goes through would not be recognised.
_MARGIN = 1000
# So many are joined whole, which is quicker than to look at their lengths first.
_FEW_ARGS = 8


class TaskGist(NamedTuple):
    """The identity of a task. `offset` is the first source offset, -1 where there is none."""

    task_id: str
    origin: str
    client_name: str
    request_id: str
    partition: int
    offset: int
    labels: Mapping[str, str]
    command: str = ''

    @classmethod
    def of(cls, task: ExecutorTask) -> TaskGist:
        """Return the identity alone; labels are the task's own mapping."""
        offsets = task.source_offsets
        return cls(
            task.task_id,
            task.origin,
            task.client_name,
            task.request_id,
            task.partition,
            offsets[0] if offsets else -1,
            task.labels,
        )

    @classmethod
    def to_keep(cls, task: ExecutorTask) -> TaskGist:
        """Return it with the command line; nothing in it is long, so thousands may be kept."""
        few = not task.binary_path and len(task.args) <= _FEW_ARGS
        command = ' '.join(task.args) if few else command_line(task)
        if len(command) > COMMAND_CHARS:
            command = shown(command, COMMAND_CHARS)
        offsets = task.source_offsets
        return cls(
            task.task_id,
            task.origin,
            task.client_name,
            task.request_id,
            task.partition,
            offsets[0] if offsets else -1,
            _short_labels(task.labels) if task.labels else {},
            command,
        )

    @property
    def name(self) -> str:
        """How people find the task again: `client:request`, or `p<partition>:o<offset>`."""
        if self.origin == HTTP_ORIGIN:
            return request_name(self.client_name, self.request_id)
        return f'p{self.partition}:o{self.offset}'

    def view(self) -> dict[str, Any]:
        """Return it ready for JSON, bounded and without secrets."""
        http = self.origin == HTTP_ORIGIN
        return {
            'task_id': self.task_id,
            'name': shown(self.name, LABEL_CHARS),
            'http': http,
            'message': '' if http or self.offset < 0 else f'{self.partition}:{self.offset}',
            'labels': shown_labels(self.labels),
            'command': shown(self.command, COMMAND_CHARS),
        }


def request_name(client_name: str, request_id: str) -> str:
    """Return how people find an HTTP request again: the client and the beginning of its id."""
    return f'{client_name}:{request_id[:8]}'


def command_line(task: ExecutorTask) -> str:
    """Return the program, where the task names one, and the beginning of its arguments."""
    room = COMMAND_CHARS + _MARGIN
    words = []
    for word in (task.binary_path, *task.args) if task.binary_path else task.args:
        words.append(word[:room])
        room -= len(word) + 1
        if room <= 0:
            break
    return ' '.join(words)


def shown(text: str, limit: int) -> str:
    """Return `text` without secrets, at most `limit` characters of it."""
    text = redact.text(text[: limit + _MARGIN])
    return text if len(text) <= limit else text[: limit - 1] + '…'


def _short_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Return the first labels as texts; none of them is long."""
    if len(labels) > LABELS_SHOWN:
        return shown_labels(labels)
    short = {}
    for name, value in labels.items():
        name, value = str(name), str(value)
        if len(name) > LABEL_CHARS or len(value) > LABEL_CHARS:
            return shown_labels(labels)
        short[name] = value
    return short


def shown_labels(labels: Mapping[str, str]) -> dict[str, str]:
    few = {str(k): str(v) for k, v in list(labels.items())[:LABELS_SHOWN]}
    return {
        shown(k, LABEL_CHARS): redact.MASK if redact.is_secret_name(k) else shown(v, LABEL_CHARS)
        for k, v in few.items()
    }


def shown_texts(texts: Sequence[str]) -> list[str]:
    return [shown(text, LABEL_CHARS) for text in texts]
