"""An example of what a marshmallow schema takes."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

from marshmallow import Schema, fields, missing
from marshmallow.validate import OneOf

_DEEPEST = 4


def example_of(schema: type[Schema] | Schema, depth: int = 0) -> dict[str, Any]:
    """Return data with every field that the schema loads: its default, else a value of its type."""
    made = schema() if isinstance(schema, type) else schema
    return {
        field.data_key or name: _value(field, depth)
        for name, field in made.fields.items()
        if not field.dump_only
    }


def _value(field: fields.Field[Any], depth: int) -> Any:
    if 'example' in field.metadata:
        return field.metadata['example']
    if field.load_default is not missing and not callable(field.load_default):
        return field.load_default
    for validator in field.validators:
        if isinstance(validator, OneOf) and validator.choices:
            return next(iter(validator.choices))
    if isinstance(field, fields.Nested):
        nested = example_of(field.schema, depth + 1) if depth < _DEEPEST else {}
        return [nested] if field.many else nested
    if isinstance(field, fields.List):
        return [_value(field.inner, depth + 1)] if depth < _DEEPEST else []
    return next((v for kind, v in _EXAMPLES if isinstance(field, kind)), '')


_EXAMPLES: tuple[tuple[type[Any], Any], ...] = (
    (fields.Boolean, False),
    (fields.Integer, 1),
    (fields.Number, 1.0),
    (fields.UUID, str(uuid.UUID(int=1))),
    (fields.Url, 'https://example.org/'),
    (fields.Email, 'somebody@example.org'),
    (fields.DateTime, datetime.datetime(2025, 1, 31, 12, tzinfo=datetime.timezone.utc).isoformat()),
    (fields.Time, '12:00:00'),
    (fields.Date, '2025-01-31'),
    (fields.Mapping, {}),
)
