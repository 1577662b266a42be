"""Values in and out of JSON, strictly: what comes out is what went in."""

from __future__ import annotations

import math
from typing import Any

from drakkar import jsonio

_MIN_INT, _MAX_INT = -(1 << 63), (1 << 64) - 1  # what every JSON reader keeps exact


def check_key(key: object) -> None:
    """Raise TypeError for what is no text, or one that has no form on disk."""
    if not isinstance(key, str):
        raise TypeError(f'a key of the cache is a text, not {type(key).__name__}')
    try:
        key.encode()
    except UnicodeError as error:  # of lone surrogates
        raise TypeError(f'cache: {key!r:.100} is no key: {error}') from error


def encode(key: str, value: Any) -> str:
    """Return `value` as JSON. Raises TypeError, which names the key, for what is no JSON value."""
    check_key(key)
    try:
        _check(value)
        return jsonio.dumps(value)
    except (TypeError, RecursionError, UnicodeError) as error:
        reason = 'nested too deeply or in itself' if isinstance(error, RecursionError) else error
        raise TypeError(f'cache: the value of {key!r:.100} is no JSON value: {reason}') from error


def decode(text: str) -> Any:
    """Return the value of a JSON text. Raises ValueError."""
    try:
        return jsonio.loads(text)
    except RecursionError as error:
        raise ValueError('it is nested too deeply') from error


def _check(value: Any) -> None:
    """Raise TypeError for what JSON would turn into something else, or has nothing for."""
    if value is None or isinstance(value, (str, bool)):
        return
    if isinstance(value, int):
        if not _MIN_INT <= value <= _MAX_INT:
            raise TypeError('it holds an integer of more than 64 bits')
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise TypeError(f'it holds {value}, which JSON has no number for')
    elif isinstance(value, list):
        for item in value:
            _check(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if not isinstance(name, str):
                raise TypeError(f'it holds a dict with a key of type {type(name).__name__}')
            _check(item)
    else:
        raise TypeError(f'it holds a {type(value).__name__}')
