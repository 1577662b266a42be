"""A JSON Schema of the configuration: an object of sections, for editors and generators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema

from drakkar.config.base import Option
from drakkar.config.nested import Mapping as FreeMapping
from drakkar.config.nested import NamedSections, SubSection, describe
from drakkar.config.tree import build_root
from drakkar.contracts.sink import SinkSpec
from drakkar.contracts.source import SourceSpec


def json_schema(
    sinks: Mapping[str, SinkSpec],
    sources: Mapping[str, SourceSpec],
    handlers: Mapping[str, type[Schema] | None],
) -> dict[str, Any]:
    """Return the JSON Schema for the core and the given plugins.

    `[handler]` knows the options of all `handlers` and allows others, since which
    of them hold depends on another section.
    """
    root = build_root(sinks, sources, '', FreeMapping())
    schema = _object(root)
    schema['properties']['handler'] = _handler(handlers)
    return {
        '$schema': 'https://json-schema.org/draft/2020-12/schema',
        'title': 'Drakkar configuration',
        **schema,
    }


def _object(schema: Schema) -> dict[str, Any]:
    described = describe(type(schema))
    required = [name for name, field in schema.fields.items() if field.required]
    found: dict[str, Any] = {'type': 'object'}
    if described:
        found['description'] = described
    found['properties'] = {name: _field(field) for name, field in schema.fields.items()}
    if required:
        found['required'] = required
    found['additionalProperties'] = False
    return found


def _field(field: Any) -> dict[str, Any]:
    if isinstance(field, SubSection):
        return _object(field.schema)
    if isinstance(field, NamedSections):
        return {'type': 'object', 'additionalProperties': _object(field.schema)}
    if isinstance(field, FreeMapping):
        free = {'type': 'object', 'additionalProperties': {'type': 'string'}}
        return {**free, 'description': field.description} if field.description else free
    return field.json_schema() if isinstance(field, Option) else {}


def _handler(handlers: Mapping[str, type[Schema] | None]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for schema in handlers.values():
        if schema is not None:
            properties |= _object(schema())['properties']
    return {
        'type': 'object',
        'description': 'Options of the handler.',
        'properties': properties,
        'additionalProperties': True,
    }
