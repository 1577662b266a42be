"""From a request's body to what the handler sees, and from its answer to JSON."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError

from drakkar import jsonio
from drakkar.handler import Handler


class RequestError(ValueError):
    """A body does not fit; `fields` are the problems as marshmallow tells them."""

    def __init__(self, text: str, fields: Any = None) -> None:
        self.fields = fields or {}
        super().__init__(text)


class Codec:
    """Decodes and encodes by the handler's `http_request_schema` and `http_response_schema`."""

    def __init__(self, handler: Handler) -> None:
        self.request_schema = _made(handler.http_request_schema)
        self.response_schema = _made(handler.http_response_schema)

    def load(self, body: bytes) -> Any:
        """Return the request. Raises RequestError, and whatever a validator raises."""
        if not body:
            raise RequestError('the body is empty; expected JSON')
        try:
            data = jsonio.loads(body)
        except (ValueError, RecursionError) as error:
            raise RequestError(f'the body is not JSON: {error}') from error
        if self.request_schema is None:
            return data
        try:
            return self.request_schema.load(data)
        except ValidationError as error:
            raise RequestError(
                'the body does not fit; see fields', error.normalized_messages()
            ) from error

    def dump(self, result: Any) -> bytes:
        """Return a result as JSON. Raises what the schema raises, TypeError for what has none."""
        if self.response_schema is not None:
            result = self.response_schema.dump(result)
        try:
            return jsonio.dumps_bytes(result)
        except RecursionError as error:
            raise TypeError('nested too deeply for JSON') from error


def _made(schema: type[Schema] | Schema | None) -> Schema | None:
    return schema() if isinstance(schema, type) else schema
