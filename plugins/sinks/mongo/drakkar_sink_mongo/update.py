"""Named updates: JSON templates whose `":field"` texts stand for values of the payload."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import drakkar.api as dk

# Update operators whose repetition changes nothing.
REPEATABLE_OPERATORS = frozenset(
    {
        '$set',
        '$unset',
        '$setOnInsert',
        '$min',
        '$max',
        '$addToSet',
        '$pull',
        '$pullAll',
        '$currentDate',
    }
)

INSERT = 'insert'


@dataclass(frozen=True, slots=True)
class Update:
    """One named update. `repeatable` means that doing it twice leaves the same state as once."""

    filter: Mapping[str, Any]
    update: Mapping[str, Any]
    upsert: bool
    repeatable: bool

    def fill(self, data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return filter and update with the values of `data`. Raises RefusedError."""
        return _fill(self.filter, data), _fill(self.update, data)


def parse_updates(texts: Mapping[str, str]) -> tuple[dict[str, Update], dict[str, str]]:
    """Return the updates by name, and what is wrong with the others."""
    updates: dict[str, Update] = {}
    problems: dict[str, str] = {}
    for name, text in texts.items():
        try:
            updates[name] = _parse(name, text)
        except ValueError as error:
            problems[name] = str(error)
    return updates, problems


def _parse(name: str, text: str) -> Update:
    if name == INSERT:
        raise ValueError(f'{INSERT!r} is an operation of the sink itself')
    try:
        template = json.loads(text)
    except ValueError as error:
        raise ValueError(f'not JSON: {error}') from None
    if not isinstance(template, dict) or not template.keys() <= {'filter', 'update', 'upsert'}:
        raise ValueError('expected {"filter": {...}, "update": {...}, "upsert": true or false}')
    where, update = template.get('filter'), template.get('update')
    upsert = template.get('upsert', True)
    if not isinstance(where, dict) or not where:
        raise ValueError('"filter" must be an object that is not empty')
    if not isinstance(update, dict) or not update or not all(k.startswith('$') for k in update):
        raise ValueError('"update" must be an object of operators such as "$set"')
    if not isinstance(upsert, bool):
        raise ValueError('"upsert" must be true or false')
    # An upsert by other fields, which the update may change, would add a second document.
    repeatable = update.keys() <= REPEATABLE_OPERATORS and (not upsert or where.keys() == {'_id'})
    return Update(where, update, upsert, repeatable)


def _fill(template: Any, data: Mapping[str, Any]) -> Any:
    if isinstance(template, dict):
        return {key: _fill(value, data) for key, value in template.items()}
    if isinstance(template, list):
        return [_fill(value, data) for value in template]
    if not isinstance(template, str) or not template.startswith(':'):
        return template
    if template.startswith('::'):
        return template[1:]
    return _value(template[1:], data)


def _value(path: str, data: Any) -> Any:
    """Return the field at a path such as `host.name`; an empty path is all of `data`."""
    for name in path.split('.') if path else ():
        if not isinstance(data, Mapping) or name not in data:
            raise dk.RefusedError(f'the payload has no {path!r}')
        data = data[name]
    if _has_operator(data):
        # Messages come from anywhere: they must not turn a value into {"$gt": ""}.
        raise dk.RefusedError(f'{path or "data"!r} has a key that begins with $')
    return data


def _has_operator(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(
            (isinstance(k, str) and k.startswith('$')) or _has_operator(v) for k, v in value.items()
        )
    return isinstance(value, (list, tuple)) and any(map(_has_operator, value))
