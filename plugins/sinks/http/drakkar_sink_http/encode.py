"""Makes requests of payloads: where they go, what is in them, which key they carry."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit, urlunsplit

import requests

import drakkar.api as dk
from drakkar_sink_http.headers import reserved
from drakkar_sink_http.payload import HttpPayload

CONTENT_TYPES = {
    ('json', 'single'): 'application/json',
    ('json', 'array'): 'application/json',
    ('json', 'lines'): 'application/x-ndjson',
    ('form', 'single'): 'application/x-www-form-urlencoded',
}


class Encoder:
    """Builds the requests of one sink."""

    def __init__(self, options: Any) -> None:
        self._url: str = options.url
        self._method: str = options.method
        self._encoding: str = options.encoding
        self._batch: str = options.batch
        self._key_header: str = options.idempotency_key_header
        self._headers = {
            'User-Agent': 'drakkar',
            'Content-Type': CONTENT_TYPES[options.encoding, options.batch],
        }
        self._headers = _merged(self._headers, options.headers)

    def check(self, payload: HttpPayload) -> bytes:
        """Return the data of one payload as it is sent. Raises RefusedError where it can not be."""
        taken = reserved(payload.headers)
        if taken:
            raise dk.RefusedError(f'headers: the sink itself sets {", ".join(taken)}')
        try:
            if self._encoding == 'form':
                return _form(payload.plain())
            return payload.json_bytes()
        except Exception as error:  # a schema's dump may raise anything
            raise dk.RefusedError(f'can not be written as {self._encoding}: {error}') from error

    def request(self, payload: HttpPayload, parts: Sequence[bytes]) -> requests.PreparedRequest:
        """Return the request for `parts`, all with the path and headers of `payload`.

        Raises RefusedError where these make no request.
        """
        body = self._body(parts)
        headers = _merged(self._headers, payload.headers)
        if self._key_header:
            headers = _merged(headers, {self._key_header: payload.key or _key(payload, body)})
        url = join(self._url, payload.path)
        try:
            for name, value in headers.items():
                f'{name}{value}'.encode('latin-1')  # all that HTTP can carry
            return requests.Request(self._method, url, headers=headers, data=body).prepare()
        except (requests.RequestException, UnicodeError, ValueError) as error:
            raise dk.RefusedError(f'not a request: {error}') from error

    def _body(self, parts: Sequence[bytes]) -> bytes:
        if self._batch == 'lines':
            return b'\n'.join(parts) + b'\n'
        if self._batch == 'array':
            return b'[' + b','.join(parts) + b']'
        return parts[0]


def join(url: str, path: str) -> str:
    """Return `url` with `path` appended, and its query. Raises RefusedError where that leaves it.

    A `#` is part of the path; `..` is refused, since it would reach what is not below `url`.
    """
    if not path:
        return url
    path, _, query = path.partition('?')
    if any(part in ('.', '..') for part in unquote(path).replace('\\', '/').split('/')):
        raise dk.RefusedError(f'path {path!r} has "." or "..": it must stay below url')
    base = urlsplit(url)
    whole = '/'.join([base.path.rstrip('/'), path.lstrip('/').replace('#', '%23')])
    queries = '&'.join(part for part in (base.query, query.replace('#', '%23')) if part)
    return urlunsplit((base.scheme, base.netloc, whole, queries, ''))


def _merged(headers: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Return both, those of `more` instead of ones of the same name in any case."""
    names = {name.lower() for name in more}
    return {k: v for k, v in headers.items() if k.lower() not in names} | dict(more)


def _key(payload: HttpPayload, body: bytes) -> str:
    digest = hashlib.sha256()
    for part in (payload.path, *map(str, sorted(payload.headers.items()))):
        digest.update(part.encode('utf-8', 'surrogatepass') + b'\0')
    digest.update(body)
    return digest.hexdigest()[:32]


def _form(data: Any) -> bytes:
    """Write a mapping: lists as repeated fields, nothing for None, the rest as text or JSON."""
    if not isinstance(data, Mapping):
        raise TypeError(f'a form is made of a mapping, not of {type(data).__name__}')
    fields = []
    for name, value in data.items():
        values = value if isinstance(value, (list, tuple)) else [value]
        fields += [(str(name), _field(item)) for item in values if item is not None]
    return urlencode(fields).encode()


def _field(value: Any) -> str:
    if isinstance(value, str):
        return value
    text = dk.Payload(value).json()
    return str(json.loads(text)) if text.startswith('"') else text
