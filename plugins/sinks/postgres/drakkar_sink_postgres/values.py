"""Values as SQL: what the driver takes, and literals for the rows of an INSERT.

Nothing here touches the driver's adapters, which all code in the process shares.
"""

from __future__ import annotations

import dataclasses
import enum
import math
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import drakkar.api as dk


def adapted(value: Any) -> Any:
    """Return a value as the driver takes it.

    Mappings, lists and dataclasses become JSON text, which PostgreSQL reads as the
    column's own type: jsonb, json or text. Tuples become arrays. What nobody knows
    is returned as it is: the driver refuses it.
    """
    if isinstance(value, enum.Enum):
        return adapted(value.value)
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, tuple):
        return [adapted(item) for item in value]
    if isinstance(value, (list, Mapping)) or (
        dataclasses.is_dataclass(value) and not isinstance(value, type)
    ):
        return dk.Payload(value).json()
    return value


class Literals:
    """Writes rows as `(1,'text',NULL)`.

    Common types are written here, which takes a third of the driver's time; the
    driver writes all others. `cursor` must be one of a connection with
    `standard_conforming_strings`, where a quote is all that a text has to double.
    """

    def __init__(self, cursor: Any) -> None:
        self._mogrify: Callable[..., bytes] = cursor.mogrify
        self._writers: dict[type, Callable[[Any], str]] = {
            str: _text,
            int: int.__repr__,
            bool: _boolean,
            type(None): _null,
            float: self._float,
            dict: _json,
            list: _json,
        }

    def row(self, values: Iterable[Any]) -> bytes:
        """Return a row. Raises what the driver raises, ValueError or TypeError."""
        find, other = self._writers.get, self._other
        return f'({",".join([find(type(value), other)(value) for value in values])})'.encode()

    def _float(self, value: float) -> str:
        return repr(value) if math.isfinite(value) else self._other(value)

    def _other(self, value: Any) -> str:
        return self._mogrify('%s', (adapted(value),)).decode()


def _text(value: str) -> str:
    if '\0' in value:
        raise ValueError('PostgreSQL has no NUL character (0x00) in texts')
    return "'" + value.replace("'", "''") + "'"


def _boolean(value: bool) -> str:
    return 'true' if value else 'false'


def _null(_: None) -> str:
    return 'NULL'


def _json(value: Any) -> str:
    return _text(dk.Payload(value).json())
