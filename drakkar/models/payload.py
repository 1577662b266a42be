"""The base of what a hook returns for a sink."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import Schema

from drakkar import jsonio

_schemas: dict[type, Schema] = {}


def register_schema(cls: type, schema: Schema) -> None:
    """Use `schema` to serialise instances of `cls` wherever they are payload data."""
    _schemas[cls] = schema


class Payload:
    """One record for one sink.

    `data` is a mapping, a dataclass, or any object with a marshmallow `schema`
    (given here, or registered for its class with `register_schema`). `sink`
    names the instance; empty means the only one of this type.
    """

    sink_type: ClassVar[str] = ''

    def __init__(self, data: Any, *, sink: str = '', schema: Schema | None = None) -> None:
        self.data = data
        self.sink = sink
        self.schema = schema

    def plain(self) -> Any:
        """Return `data` in the form JSON can write (a mapping, in the usual case)."""
        data = self.data
        if self.schema is not None:
            return self.schema.dump(data)
        if isinstance(data, dict):
            return data
        schema = _schemas.get(type(data))
        if schema is not None:
            return schema.dump(data)
        if dataclasses.is_dataclass(data) and not isinstance(data, type):
            return dataclasses.asdict(data)
        return dict(data) if isinstance(data, Mapping) else data

    def json(self) -> str:
        """Return `data` as compact JSON text."""
        return jsonio.dumps(self.plain())

    def json_bytes(self) -> bytes:
        """Return `data` as compact UTF-8 JSON."""
        return jsonio.dumps_bytes(self.plain())

    def describe(self) -> dict[str, Any]:
        """Return every field in a form JSON can write, for the dead letter queue."""
        fields = {k: v for k, v in vars(self).items() if k not in ('data', 'schema')}
        return {'sink_type': self.sink_type, **fields, 'data': self.plain()}

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        fields = ', '.join(f'{k}={v!r}' for k, v in vars(self).items() if v not in ('', None))
        return f'{type(self).__name__}({fields})'
