"""Who asks: the client of a bearer token."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping

_BEARER = re.compile(r'bearer +([\x21-\x7e]+) *', re.IGNORECASE)
CHALLENGE = ('WWW-Authenticate', 'Bearer realm="drakkar"')


class UnknownClient(Exception):  # noqa: N818 - the text is the reason
    """No client is meant by this request."""


class Clients:
    """The configured clients by their tokens; the one without a token is for all who send none."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        self._tokens = {name: token.encode() for name, token in tokens.items() if token}
        self.anonymous = next((name for name, token in tokens.items() if not token), None)

    @property
    def open(self) -> bool:
        """Whether no token is needed by anybody."""
        return not self._tokens

    def identify(self, authorization: str | None) -> str:
        """Return the name of the client that this Authorization header stands for.

        Raises UnknownClient.
        """
        if authorization is None:
            if self.anonymous is None:
                raise UnknownClient('a token is needed: Authorization: Bearer TOKEN')
            return self.anonymous
        sent = _BEARER.fullmatch(authorization)
        if sent is None:
            raise UnknownClient('the Authorization header is not of the form Bearer TOKEN')
        token = sent[1].encode()
        found = None
        for name, known in self._tokens.items():
            # All of them, so that the time tells nothing about which one was near.
            if hmac.compare_digest(token, known):
                found = name
        if found is None:
            raise UnknownClient('no client has this token')
        return found
