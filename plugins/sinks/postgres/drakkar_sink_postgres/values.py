"""Values as psycopg2 takes them, without a change to adapters others in the process use."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import uuid
from collections.abc import Mapping
from typing import Any

import drakkar.api as dk

# What the driver itself turns into SQL.
NATIVE = frozenset(
    {
        str,
        int,
        float,
        bool,
        bytes,
        type(None),
        decimal.Decimal,
        datetime.datetime,
        datetime.date,
        datetime.time,
        datetime.timedelta,
    }
)


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
        return [item if type(item) in NATIVE else adapted(item) for item in value]
    if isinstance(value, (dict, list)):
        return dk.Payload(value).json()
    if isinstance(value, Mapping) or (
        dataclasses.is_dataclass(value) and not isinstance(value, type)
    ):
        return dk.Payload(value).json()
    return value
