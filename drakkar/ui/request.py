"""One HTTP request as a view sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode

import gevent

from drakkar import jsonio
from drakkar.ui.errors import HttpError

MAX_BODY_BYTES = 1024 * 1024
BODY_SECONDS = 10.0
_MAX_FIELDS = 100


class Request:
    """Path, query and body of a request. `path` holds the values of the route's placeholders."""

    def __init__(self, environ: Mapping[str, Any], path: Mapping[str, Any] | None = None) -> None:
        self._environ = environ
        self.method: str = environ['REQUEST_METHOD']
        self.url_path: str = decoded(environ.get('PATH_INFO', '/'))
        self.path: dict[str, Any] = {
            name: decoded(value) if isinstance(value, str) else value
            for name, value in (path or {}).items()
        }
        self.query = parse_query(environ.get('QUERY_STRING', ''))

    def header(self, name: str) -> str:
        value: str = self._environ.get(f'HTTP_{name.upper().replace("-", "_")}', '')
        return value

    def text(self, name: str, default: str = '') -> str:
        """Return the last value of a query parameter."""
        values = self.query.get(name)
        return values[-1] if values else default

    def many(self, name: str) -> list[str]:
        """Return all values of a query parameter; `a=1,2` and `a=1&a=2` are the same."""
        return [part for v in self.query.get(name, []) for part in v.split(',') if part]

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in ('1', 'true', 'yes', 'on')

    def integer(
        self, name: str, default: int | None = None, low: int = 0, high: int = 2**63 - 1
    ) -> Any:
        """Return a whole number of the query. Raises HttpError(400) for anything else."""
        text = self.text(name).strip()
        if not text:
            return default
        try:
            if not text.isascii() or len(text) > 20:
                raise ValueError
            value = int(text)
        except ValueError:
            raise HttpError(400, f'{name} must be a whole number, not {text[:40]!r}') from None
        if not low <= value <= high:
            raise HttpError(400, f'{name} must be from {low} to {high}, not {value}')
        return value

    def url(self, **changes: Any) -> str:
        """Return this path with its query changed; None takes a parameter away."""
        query: dict[str, Any] = {**self.query, **changes}
        kept = {k: v for k, v in query.items() if v not in (None, '', [])}
        return f'?{urlencode(kept, doseq=True)}' if kept else '?'

    def body(self) -> bytes:
        """Return the body, within its limits of size and time. Raises HttpError."""
        stream = self._environ['wsgi.input']
        with gevent.Timeout(BODY_SECONDS, HttpError(408, 'the body took too long to arrive')):
            try:
                data: bytes = stream.read(MAX_BODY_BYTES + 1)
            except (OSError, ValueError):
                raise HttpError(400, 'the body ended too early') from None
        if len(data) > MAX_BODY_BYTES:
            raise HttpError(413, f'a body may have {MAX_BODY_BYTES} bytes')
        return data

    def json(self) -> Any:
        """Return the body as JSON. Raises HttpError(400)."""
        try:
            return jsonio.loads(self.body())
        except ValueError:
            raise HttpError(400, 'the body is not JSON') from None


def decoded(text: str) -> str:
    """Return a text of the WSGI environment, which is UTF-8 in disguise of Latin-1."""
    return text.encode('latin-1', 'replace').decode('utf-8', 'replace')


def parse_query(text: str) -> dict[str, list[str]]:
    """Return the parameters of a query string. Raises HttpError(400) where there are too many."""
    try:
        return parse_qs(decoded(text), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise HttpError(400, f'a query may have {_MAX_FIELDS} parameters') from None


def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form that was posted. Raises HttpError."""
    try:
        fields = parse_qs(request.body().decode(), keep_blank_values=True, max_num_fields=10)
    except ValueError:  # UnicodeDecodeError is one
        raise HttpError(400, 'the form can not be read') from None
    return {name: values[-1] for name, values in fields.items()}
