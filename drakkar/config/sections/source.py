"""The `[source]` section: what holds for every kind of source."""

from __future__ import annotations

from drakkar.config import option
from drakkar.config.option import OptionSchema


class SourceOptions(OptionSchema):
    """How messages are read and committed, whatever the source."""

    on_parse_error = option.Choice(
        ('dlq', 'skip', 'pass'),
        default='dlq',
        description='A message that does not decode: `dlq` sends it to the dead letter queue, '
        '`skip` completes it, `pass` hands it to `arrange` with `payload` None.',
    )
    poll_max_messages = option.Int(
        default=500, min=1, unit='messages', description='Most messages that one poll returns.'
    )
    commit_interval_ms = option.Int(
        default=100,
        min=0,
        unit='milliseconds',
        description='Completed offsets are collected this long before they are committed.',
    )
    error_backoff_seconds = option.Float(
        default=1,
        min=0,
        unit='seconds',
        description='First wait after a poll or commit that failed; it doubles up to 10 seconds.',
    )
