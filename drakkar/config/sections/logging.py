"""The `[logging]` section."""

from __future__ import annotations

from drakkar.config import option
from drakkar.config.option import OptionSchema


class LoggingOptions(OptionSchema):
    """The worker's log."""

    level = option.Choice(
        ('debug', 'info', 'warning', 'error', 'critical'),
        default='info',
        description='Least important level that is written.',
    )
    format = option.Choice(
        ('json', 'console'),
        default='json',
        description='`json` writes one object a line, `console` is for people.',
    )
    output = option.Str(
        default='stderr',
        description='`stderr`, `stdout`, or a file; `{worker_id}` and `{cluster_name}` in its '
        'path are filled in.',
    )
