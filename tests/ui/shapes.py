"""Compares an answer with its JSON schema: what `drakkar/ui/schema.py` can say, and no more."""

from __future__ import annotations

from typing import Any

_TYPES: dict[str, Any] = {
    'string': str,
    'integer': int,
    'number': (int, float),
    'boolean': bool,
    'object': dict,
    'array': list,
    'null': type(None),
}


def mismatches(value: Any, schema: Any, where: str = '$') -> list[str]:
    """Return a line for each place where the value is not what the schema says."""
    if 'anyOf' in schema:
        tries = [mismatches(value, option, where) for option in schema['anyOf']]
        return [] if any(not found for found in tries) else tries[0]
    kind = schema.get('type')
    if kind is None:
        return []
    if not isinstance(value, _TYPES[kind]) or (kind != 'boolean' and isinstance(value, bool)):
        return [f'{where}: {value!r:.60} is no {kind}']
    if kind == 'array':
        return [
            m
            for n, item in enumerate(value)
            for m in mismatches(item, schema['items'], f'{where}[{n}]')
        ]
    if kind == 'object':
        return _object(value, schema, where)
    return []


def _object(value: Any, schema: Any, where: str) -> list[str]:
    fields = schema.get('properties', {})
    found = [
        f'{where}: {name} is missing' for name in schema.get('required', ()) if name not in value
    ]
    others = schema.get('additionalProperties', {})
    for name, item in value.items():
        below = fields.get(name, others)
        if below is False:
            found.append(f'{where}: {name} is not in the schema')
        else:
            found += mismatches(item, below, f'{where}.{name}')
    return found
