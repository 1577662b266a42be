"""From a message's bytes to the payload that `arrange` sees."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError

from drakkar import jsonio
from drakkar.handler import Handler
from drakkar.models.message import SourceMessage


class DecodeError(ValueError):
    """A message's value does not fit the handler; the text says why."""


class Decoder:
    """Decodes values as the handler declares: its `input_schema`, plain JSON, or raw bytes."""

    def __init__(self, handler: Handler) -> None:
        schema = handler.input_schema
        self._schema: Schema | None = schema() if isinstance(schema, type) else schema
        self._raw = handler.input_format == 'raw'

    def decode(self, message: SourceMessage) -> None:
        """Set `message.payload`. Raises DecodeError."""
        message.payload = self._payload(message.value)

    def _payload(self, value: bytes | None) -> Any:
        if self._raw:
            return value
        if not value:
            raise DecodeError('null value' if value is None else 'empty value')
        try:
            data = jsonio.loads(value)
        except (ValueError, RecursionError) as error:
            raise DecodeError(f'not JSON: {error}') from error
        if self._schema is None:
            return data
        try:
            return self._schema.load(data)
        except ValidationError as error:
            raise DecodeError(f'does not fit {type(self._schema).__name__}: {error}') from error
        except Exception as error:  # a validator may raise anything, and this message would again
            raise DecodeError(
                f'{type(self._schema).__name__} raised {type(error).__name__}: {error}'
            ) from error
