"""Points in time, as people type and read them."""

from __future__ import annotations

import datetime
import re
import time
from typing import Any

import click

_UNITS = {'s': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 7 * 86400}
_AGO = re.compile(r'(\d+(?:\.\d+)?)\s*([smhdw])')


class When(click.ParamType):
    """A point in time: ISO 8601 (UTC where no zone is given), or so long ago: `90s`, `2h`, `1d`.

    Its value is in seconds since the epoch.
    """

    name = 'time'

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        if ago := _AGO.fullmatch(value.strip()):
            return time.time() - float(ago[1]) * _UNITS[ago[2]]
        try:
            # Python 3.10 does not know the Z yet.
            moment = datetime.datetime.fromisoformat(re.sub(r'[zZ]$', '+00:00', value.strip()))
        except ValueError:
            self.fail(
                f'{value!r} is no time: expected 2025-01-31, 2025-01-31T12:00:00, or 90s, 15m,'
                ' 2h, 1d, 1w for so long ago',
                param,
                ctx,
            )
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.timezone.utc)
        return moment.timestamp()


def as_iso(seconds: float) -> str:
    """Return seconds since the epoch as ISO 8601 in UTC, as a number where it is no real time."""
    try:
        moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    except (ValueError, OverflowError, OSError):
        return str(seconds)
    return moment.replace(tzinfo=None).isoformat(timespec='milliseconds') + 'Z'
