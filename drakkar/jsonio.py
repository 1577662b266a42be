"""JSON in and out: orjson where it is installed, the standard library otherwise.

Both give the same bytes for the same data, so that a worker with the `speed`
extra and one without can share sinks.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import json
import math
import uuid
from typing import Any

try:
    import orjson
except ImportError:  # the `speed` extra is optional
    orjson = None  # type: ignore[assignment]


def _plain(value: Any) -> Any:
    """Turn what JSON does not know into what it knows."""
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (uuid.UUID, decimal.Decimal)):
        return str(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    raise TypeError(f'{type(value).__name__} can not be written as JSON')


_ENCODER = json.JSONEncoder(
    default=_plain, ensure_ascii=False, separators=(',', ':'), allow_nan=False
)


if orjson is not None:
    # Dates go through _plain so that both writers agree on their form.
    _OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME

    def dumps_bytes(value: Any) -> bytes:
        """Return `value` as compact UTF-8 JSON. Raises TypeError for what has no JSON form."""
        try:
            return orjson.dumps(value, _plain, _OPTIONS)
        except TypeError:
            return _stdlib_dumps(value)  # integers beyond 64 bits, or a true TypeError

    def loads(data: bytes | str) -> Any:
        """Parse JSON. Raises ValueError."""
        return orjson.loads(data)

else:

    def dumps_bytes(value: Any) -> bytes:
        """Return `value` as compact UTF-8 JSON. Raises TypeError for what has no JSON form."""
        return _stdlib_dumps(value)

    def loads(data: bytes | str) -> Any:
        """Parse JSON. Raises ValueError."""
        return json.loads(data)


def _stdlib_dumps(value: Any) -> bytes:
    try:
        return _ENCODER.encode(value).encode()
    except ValueError as error:
        if isinstance(error, UnicodeError) or 'Circular' in str(error):
            raise TypeError(f'can not be written as JSON: {error}') from error
        return _ENCODER.encode(_finite(value)).encode()


def _finite(value: Any) -> Any:
    """Return `value` with null for what JSON has no number for, as orjson writes it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def dumps(value: Any) -> str:
    """Return `value` as compact JSON text. Raises TypeError for what has no JSON form."""
    return dumps_bytes(value).decode()
