"""The `[handler]` section."""

from __future__ import annotations

import drakkar.api as dk
from drakkar_handler_ripgrep.routes import FILES


class RipgrepOptions(dk.OptionSchema):
    """Options of the ripgrep handler."""

    max_lines = dk.option.Int(
        default=1000,
        min=0,
        unit='lines',
        description='Most matching lines that one result carries; match counts stay whole. '
        '0: unlimited.',
    )
    files = dk.option.List(
        default=FILES,
        description='Which files a filesystem sink gets: `results`, `large` (of more than 50 '
        'matching lines) and `summaries`.',
    )
    cache_seconds = dk.option.Float(
        default=3600,
        min=0,
        unit='seconds',
        description='How long a result is taken from the cache instead of searching again, even '
        'if files have changed since. 0: never. It needs `[cache] enabled`.',
    )
    rank_pattern = dk.option.Str(
        default='def .*:', description='What HTTP requests count in files where they do not say it.'
    )
    rank_paths = dk.option.List(
        default=(),
        description='Files and folders that HTTP requests are ranked in. Empty: this package.',
    )
    simulated_failure_percent = dk.option.Float(
        default=0,
        min=0,
        max=100,
        unit='percent',
        description='Share of searches whose first run fails on purpose, to show retries.',
    )
    simulated_failure_seed = dk.option.Int(
        default=0, description='Chooses which searches fail; the same seed fails the same ones.'
    )
