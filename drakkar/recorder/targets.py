"""What a trace is asked for, as people type it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from drakkar.errors import DrakkarError

_PLACE = re.compile(r'(?:(?P<topic>.+):)?(?P<partition>\d{1,10}):(?P<offset>\d{1,18})')
_LABEL = re.compile(r'(?P<key>[^=]+)=(?P<value>.*)', re.DOTALL)
MAX_CHARS = 500


class BadTargetError(DrakkarError):
    """Nothing can be looked for by this text."""


@dataclass(frozen=True, slots=True)
class MessageAt:
    """A message: partition and offset, of any topic where `topic` is empty."""

    partition: int
    offset: int
    topic: str = ''

    def __str__(self) -> str:
        place = f'{self.partition}:{self.offset}'
        return f'{self.topic}:{place}' if self.topic else place


@dataclass(frozen=True, slots=True)
class Named:
    """What has a label of this value (and key, unless it is empty).

    Without a key it may also be the id of a request or of a task.
    """

    value: str
    key: str = ''

    def __str__(self) -> str:
        return f'{self.key}={self.value}' if self.key else self.value


def parse_target(text: str) -> MessageAt | Named:
    """Read `[TOPIC:]PARTITION:OFFSET`, `KEY=VALUE`, a label's value, or an id.

    Raises BadTargetError.
    """
    text = text.strip()
    if not text or len(text) > MAX_CHARS:
        raise BadTargetError(
            'expected PARTITION:OFFSET, TOPIC:PARTITION:OFFSET, a label as VALUE or KEY=VALUE,'
            f' or the id of a request or a task, of at most {MAX_CHARS} characters'
        )
    if place := _PLACE.fullmatch(text):
        return MessageAt(int(place['partition']), int(place['offset']), place['topic'] or '')
    if label := _LABEL.fullmatch(text):
        return Named(label['value'], label['key'])
    return Named(text)
