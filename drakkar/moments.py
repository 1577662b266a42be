"""Points in time, as people type and read them."""

from __future__ import annotations

import datetime
import re
import time

EXPECTED = '2025-01-31, 2025-01-31T12:00:00, or 90s, 15m, 2h, 1d, 1w for so long ago'
_UNITS = {'s': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 7 * 86400}
_AGO = re.compile(r'(\d{1,9}(?:\.\d{1,9})?)\s*([smhdw])')


def parse(text: str, now: float | None = None) -> float:
    """Return the seconds since the epoch of ISO 8601 (UTC where no zone is given), or of
    so long before `now`: `90s`, `2h`, `1d`. Raises ValueError that says what is expected.
    """
    text = text.strip()
    if ago := _AGO.fullmatch(text):
        return (time.time() if now is None else now) - float(ago[1]) * _UNITS[ago[2]]
    try:
        # Python 3.10 does not know the Z yet.
        moment = datetime.datetime.fromisoformat(re.sub(r'[zZ]$', '+00:00', text))
    except ValueError:
        raise ValueError(f'{text[:40]!r} is no time: expected {EXPECTED}') from None
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
