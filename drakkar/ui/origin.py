"""Which names this UI is known by, and which origins may talk to it: pure functions.

A page of another site can make a browser call a worker on localhost, and with a
name that it lets point there (DNS rebinding) even read the answer. So the name
that a request was sent to is checked where the UI is bound to a loopback address,
and the origin of every WebSocket and of every request that changes something.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from drakkar.listening import is_loopback

_DEFAULT_PORTS = {'http': 80, 'ws': 80, 'https': 443, 'wss': 443}


class Origins:
    """The names and origins that one UI accepts.

    `host` is the address it is bound to, `urls` are those of itself (`debug_url`)
    and of others that may open its WebSocket.
    """

    def __init__(self, host: str, urls: Iterable[str]) -> None:
        self._loopback = is_loopback(host)
        self._allowed = {origin for url in urls if (origin := _origin(url)) is not None}

    def knows_host(self, header: str) -> bool:
        """Return whether a Host header names this worker."""
        if not self._loopback:
            return True
        name = _name(header)
        if name is None:
            return False
        return _is_address(name) or is_loopback(name) or any(name == o[1] for o in self._allowed)

    def allows(self, origin: str, host_header: str) -> bool:
        """Return whether a request from `origin` to `host_header` is one of our own pages.

        Every browser sends an Origin with a WebSocket and with what changes
        something. Without one it is no browser, and nobody's cookies are at stake:
        it passes, and needs the token like everybody else.
        """
        if not origin:
            return True
        parsed = _origin(origin)
        if parsed is None:
            return False
        return parsed in self._allowed or parsed[1:] == _host_and_port(host_header, parsed[0])


def _origin(url: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port of a URL, or None where it has none."""
    try:
        parts = urlsplit(url.strip())
        scheme = parts.scheme.lower()
        if scheme not in _DEFAULT_PORTS or not parts.hostname:
            return None
        return scheme, parts.hostname.rstrip('.'), parts.port or _DEFAULT_PORTS[scheme]
    except ValueError:
        return None


def _host_and_port(header: str, scheme: str) -> tuple[str, int] | None:
    parsed = _origin(f'{scheme}://{header}')
    return None if parsed is None else parsed[1:]


def _name(header: str) -> str | None:
    parsed = _host_and_port(header, 'http')
    return None if parsed is None else parsed[0]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
