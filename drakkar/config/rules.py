"""Rules across options of one section, for use in `@marshmallow.validates_schema` methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError


def below(values: Mapping[str, Any], low: str, high: str) -> None:
    """Raise ValidationError, with both values, unless option `low` is less than `high`."""
    if not values[low] < values[high]:
        raise ValidationError(f'{low} ({values[low]}) must be less than {high} ({values[high]})')


def at_most(values: Mapping[str, Any], low: str, high: str) -> None:
    """Raise ValidationError, with both values, where option `low` is more than `high`."""
    if values[low] > values[high]:
        raise ValidationError(
            f'{low} ({values[low]}) must not be more than {high} ({values[high]})'
        )
