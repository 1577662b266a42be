"""Which topics are read, and where their dead letters go."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from drakkar.errors import ConfigError

DLQ_SUFFIX = '_dlq'


@dataclass(frozen=True, slots=True)
class Topics:
    """Names or a pattern of topics to read; `dead_letters` is `dlq.topic`, empty for one each.

    Raises ConfigError where the source would read its own dead letters.
    """

    names: Sequence[str]
    pattern: str = ''
    dead_letters: str = ''

    def __post_init__(self) -> None:
        letters = {self.dead_letter_topic(name) for name in self.names}
        looped = sorted(letters.intersection(self.names))
        if looped:
            raise ConfigError(
                f'[kafka] source_topic = {", ".join(self.names)}: {looped[0]} is also where '
                'dead letters go ([dlq] topic), and they would be read again for ever'
            )

    def dead_letter_topic(self, topic: str) -> str:
        """Return the topic for dead letters of messages of `topic`.

        What came from elsewhere, over HTTP, goes to those of the first topic.
        """
        if self.names and topic not in self.names:
            topic = self.names[0]
        return self.dead_letters or f'{topic}{DLQ_SUFFIX}'

    def read(self, topic: str) -> bool:
        """Return whether `topic` is read."""
        if self.pattern:
            return re.match(self.expression(), topic) is not None
        return topic in self.names

    def expression(self) -> str:
        """Return the pattern for kafka-python: anchored, and never true of a dead letter queue."""
        never = f'.*{re.escape(DLQ_SUFFIX)}$'
        if self.dead_letters:
            never += f'|{re.escape(self.dead_letters)}$'
        return f'(?!{never})(?:{self.pattern})$'
