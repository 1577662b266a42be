"""Headers: which may not be set, and which are not for anybody's eyes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import drakkar.api as dk

MASK = '***'

# They say where a request ends and who it is for: data must not be able to.
RESERVED = frozenset({'connection', 'content-length', 'host', 'transfer-encoding'})

_secret = re.compile(
    r'auth|cookie|credential|key|passw|secret|session|signature|token', re.IGNORECASE
)


def reserved(names: Iterable[str]) -> list[str]:
    """Return those of `names` that the sink sets itself."""
    return [name for name in names if name.lower() in RESERVED]


def masked(headers: Mapping[str, str]) -> dict[str, str]:
    """Return `headers` without the values of those that let somebody in."""
    return {name: MASK if _secret.search(name) else value for name, value in headers.items()}


class Headers(dk.option.Mapping):
    """A section of headers; names such as Authorization and Cookie count as secret too."""

    def mask(self, name: str, text: str) -> str:
        return MASK if text and _secret.search(name) else super().mask(name, text)
