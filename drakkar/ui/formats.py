"""How values are shown; `static/js/format.js` shows them the same way."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable
from typing import Any

NOTHING = '–'  # noqa: RUF001 - an en dash stands for what is not known
_ANSI = re.compile(
    r'\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])'
    r'|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]'
)


def integer(value: Any) -> str:
    """12345 as `12,345`."""
    return NOTHING if value is None else f'{round(value):,}'


def duration(seconds: Any) -> str:
    """0.0123 as `12.3 ms`, 3.2 as `3.20 s`, 4000 as `1 h 6 min`."""
    if seconds is None:
        return NOTHING
    if seconds < 0.0009995:
        return f'{seconds * 1e6:.0f} µs'
    if seconds < 0.99995:
        return f'{seconds * 1e3:.1f} ms'
    if seconds < 60:
        return f'{seconds:.2f} s'
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f'{minutes} min {rest} s'
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f'{hours} h {minutes} min'
    return f'{hours // 24} d {hours % 24} h'


def size(count: Any) -> str:
    """2048 as `2.0 KiB`."""
    if count is None:
        return NOTHING
    number = float(count)
    for unit in ('B', 'KiB', 'MiB', 'GiB'):
        if number < 1024:
            return f'{number:.0f} {unit}' if unit == 'B' else f'{number:.1f} {unit}'
        number /= 1024
    return f'{number:.1f} TiB'


def percent(value: Any) -> str:
    """0.254 as `25 %`."""
    return NOTHING if value is None else f'{value * 100:.0f} %'


def iso(timestamp: Any) -> str:
    """Seconds since the epoch as an ISO 8601 time in UTC, with milliseconds."""
    if timestamp is None:
        return ''
    try:
        moment = datetime.datetime.fromtimestamp(timestamp, datetime.timezone.utc)
    except (OverflowError, OSError, ValueError):
        return ''
    return moment.isoformat(timespec='milliseconds').replace('+00:00', 'Z')


def plain(text: Any) -> str:
    """Return text without the control sequences of terminals and of right-to-left writing."""
    return _ANSI.sub('', '' if text is None else str(text))


def indented(value: Any) -> str:
    """Return data as JSON for people, a text as it is, without control sequences."""
    if isinstance(value, str):
        return plain(value)
    return plain(json.dumps(value, indent=2, ensure_ascii=False, default=str))


FILTERS: dict[str, Callable[[Any], str]] = {
    'integer': integer,
    'duration': duration,
    'bytes': size,
    'percent': percent,
    'iso': iso,
    'plain': plain,
    'indented': indented,
}
