"""Who may see the UI: a token in a header, in the query of an API call, or as a cookie.

A token in the URL of a page ends up in histories and logs of proxies, so it is
exchanged at once: the browser is sent to the same page without it, with a cookie.
The cookie holds a value derived from the token, never the token itself; its name
depends on the token too, since workers on one host share cookies whatever their port.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from drakkar.ui.request import parse_query


class Gate:
    """Compares credentials with the configured token; without one, everybody may enter."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        name = self._derived('name')[:8]
        self.cookie_name = f'drakkar_ui_{name}'
        self._cookie_value = self._derived('session')

    @property
    def open(self) -> bool:
        return not self._token

    def _derived(self, purpose: str) -> str:
        return hmac.new(self._token, f'drakkar ui {purpose}'.encode(), hashlib.sha256).hexdigest()

    def matches(self, token: str) -> bool:
        """Return whether this is the token, in a time that tells nothing about it."""
        return hmac.compare_digest(token.encode('utf-8', 'surrogatepass'), self._token)

    def admits(self, environ: Mapping[str, Any]) -> bool:
        """Return whether a request carries the token in its header, query or cookie."""
        if self.open:
            return True
        return self.matches(_bearer(environ)) or self._has_cookie(environ) or self.in_query(environ)

    def in_query(self, environ: Mapping[str, Any]) -> bool:
        """Return whether the query has the token."""
        query = environ.get('QUERY_STRING', '')
        if self.open or 'token=' not in query:
            return False
        return any(self.matches(t) for t in parse_query(query).get('token', []))

    def _has_cookie(self, environ: Mapping[str, Any]) -> bool:
        wanted = self._cookie_value.encode()
        return any(
            hmac.compare_digest(found.encode('utf-8', 'surrogatepass'), wanted)
            for found in _cookies(environ, self.cookie_name)
        )

    def set_cookie(self, secure: bool) -> str:
        """Return the value of the Set-Cookie header that lets a browser in until it is closed."""
        parts = [
            f'{self.cookie_name}={self._cookie_value}',
            'HttpOnly',
            'SameSite=Strict',
            'Path=/',
        ]
        return '; '.join([*parts, 'Secure'] if secure else parts)


def without_token(environ: Mapping[str, Any]) -> str:
    """Return the path and query of a request without its token."""
    query = parse_query(environ.get('QUERY_STRING', ''))
    query.pop('token', None)
    path = '/' + quote(environ.get('PATH_INFO', '/').encode('latin-1', 'replace')).lstrip('/')
    return f'{path}?{urlencode(query, doseq=True)}' if query else path


def local_link(path_and_query: str) -> str:
    """Return a link that stays on this host, whatever was asked for.

    Browsers read `//host` and `/\\host` as another host, and skip tabs and line ends.
    """
    return '/' + quote(path_and_query.lstrip('/\\'), safe='/?&=%+:,;@!$()*~')


def _bearer(environ: Mapping[str, Any]) -> str:
    scheme, _, value = environ.get('HTTP_AUTHORIZATION', '').partition(' ')
    if scheme.lower() != 'bearer':
        return ''
    # Headers come as Latin-1; a token that is not ASCII was sent as UTF-8.
    return str(value.strip().encode('latin-1', 'replace').decode('utf-8', 'replace'))


def _cookies(environ: Mapping[str, Any], name: str) -> Iterator[str]:
    """Yield each value of a cookie, whatever stands beside it.

    Other programs of this host set theirs for every port, and not all as the rules
    want it: a parser that gives up at `x={"a": 1}` would lock everybody out.
    """
    for part in environ.get('HTTP_COOKIE', '').split(';'):
        found, _, value = part.strip().partition('=')
        if found == name:
            yield value
