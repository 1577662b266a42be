"""Short words for the JSON schemas of the API's answers."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {'type': 'string'}
INTEGER: Schema = {'type': 'integer'}
NUMBER: Schema = {'type': 'number'}
BOOLEAN: Schema = {'type': 'boolean'}
ANY: Schema = {}


def maybe(schema: Schema) -> Schema:
    """Return a schema that also allows null."""
    return {'anyOf': [schema, {'type': 'null'}]}


def listing(item: Schema) -> Schema:
    return {'type': 'array', 'items': item}


def mapping(value: Schema) -> Schema:
    """Return the schema of an object with any keys and values of one kind."""
    return {'type': 'object', 'additionalProperties': value}


def record(**fields: Schema) -> Schema:
    """Return the schema of an object that has all of these fields and no others."""
    return {
        'type': 'object',
        'properties': fields,
        'required': list(fields),
        'additionalProperties': False,
    }
