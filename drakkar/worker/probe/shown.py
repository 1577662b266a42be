"""Values as a report may hold them: plain JSON, bounded, whatever they are."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drakkar import jsonio
from drakkar.models.payload import Payload

_REPR_CHARACTERS = 2000


def text(value: object, limit: int) -> tuple[str, bool]:
    """Return a text of at most `limit` characters that every encoder takes, and whether it is cut.

    What has no UTF-8 form (half a surrogate pair) is escaped.
    """
    whole = value if isinstance(value, str) else safe_repr(value)
    cut = len(whole) > limit
    return whole[:limit].encode('utf-8', 'backslashreplace').decode(), cut


def line(value: object, limit: int = 500) -> str:
    """Return a short text for a name, an argument or a label; cut ones end with an ellipsis."""
    shown, cut = text(value, limit)
    return f'{shown}…' if cut else shown


def safe_repr(value: object) -> str:
    """Return `repr(value)`, cut; its class where that raises."""
    try:
        return repr(value)[:_REPR_CHARACTERS]
    except Exception as error:
        return f'<{type(value).__name__}, whose repr raised {type(error).__name__}>'


def readable(value: bytes | None, limit: int) -> dict[str, Any] | None:
    """Return bytes as text, or as base64 where they are not UTF-8; None stays None."""
    if value is None:
        return None
    part = value[:limit]
    try:
        shown, encoding = part.decode(), 'text'
    except UnicodeDecodeError as error:
        # A character that the limit cut in two is no reason for base64.
        if len(value) > limit and error.start >= limit - 3:
            shown, encoding = part[: error.start].decode(), 'text'
        else:
            shown, encoding = base64.b64encode(part).decode(), 'base64'
    return {
        'text': shown,
        'encoding': encoding,
        'bytes': len(value),
        'truncated': len(value) > limit,
    }


@dataclass(slots=True)
class Shown:
    """A value in JSON's terms. `problem` says why it has no exact JSON form, if so."""

    value: Any
    truncated: bool = False
    problem: str = ''
    size: int = 0

    def report(self) -> dict[str, Any]:
        return {'value': self.value, 'truncated': self.truncated, 'problem': self.problem}


def data(value: Any, limit: int) -> Shown:
    """Return a snapshot of any value, at most `limit` bytes of JSON; longer ones as cut text."""
    try:
        encoded = jsonio.dumps_bytes(value)
    except Exception as error:  # an object of the user's may raise anything
        shown = line(value, min(limit, _REPR_CHARACTERS))
        return Shown(shown, False, f'{type(error).__name__}: {line(error_text(error))}', len(shown))
    if len(encoded) > limit:
        return Shown(encoded[:limit].decode(errors='replace'), True, '', limit)
    return Shown(jsonio.loads(encoded), False, '', len(encoded))


def payload(value: Payload, limit: int) -> Shown:
    """Return all fields of a payload; where it can not describe itself, what can be told."""
    try:
        described = value.describe()
    except Exception as error:
        shown = data(_fields(value), limit)
        shown.problem = f'{type(error).__name__}: {line(error_text(error))}'
        return shown
    shown = data(described, limit)
    if shown.problem:
        fields = described if isinstance(described, Mapping) else _fields(value)
        rest = data({str(name): _part(part, limit) for name, part in fields.items()}, limit)
        rest.problem = shown.problem
        return rest
    return shown


def error_text(error: BaseException) -> str:
    """Return an error's text; its `__str__` may raise as well."""
    try:
        return str(error)
    except Exception:
        return f'<no text: __str__ of {type(error).__name__} raised>'


def _fields(value: Payload) -> dict[str, Any]:
    fields = {'sink_type': value.sink_type, **vars(value)}
    return {
        name: _part(part, _REPR_CHARACTERS) for name, part in fields.items() if part is not None
    }


def _part(value: Any, limit: int) -> Any:
    return data(value, limit).value
