"""The `[dlq]` section."""

from __future__ import annotations

from typing import Any

from marshmallow import validates_schema

from drakkar.config import option
from drakkar.config.option import OptionSchema


class DlqOptions(OptionSchema):
    """The dead letter queue: messages that can not be processed or delivered."""

    topic = option.Str(
        default='',
        description='Topic for letters, where the source keeps them in topics (Kafka). Empty: '
        '`<source topic>_dlq`.',
    )
    path = option.Path(
        default='dlq',
        description='Folder for letters as JSON lines, where the source has no queue of its own.',
    )
    on_send_failure = option.Choice(
        ('stall', 'drop'),
        default='stall',
        description='When the queue can not be written: `stall` tries on and holds the offset '
        'back, `drop` loses the letter, counted and logged.',
    )
    retry_backoff_seconds = option.Float(
        default=1,
        min=0,
        unit='seconds',
        description='Wait after the first write that failed; it doubles.',
    )
    retry_backoff_max_seconds = option.Float(
        default=30, min=0, unit='seconds', description='Longest such wait.'
    )

    @validates_schema
    def _check_backoff(self, values: dict[str, Any], **kwargs: Any) -> None:
        option.at_most(values, 'retry_backoff_seconds', 'retry_backoff_max_seconds')
