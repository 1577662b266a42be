"""Puts environment variables into values: `${NAME}`; `$${` stands for a plain `${`."""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r'\$\$\{|\$\{(?P<name>[^}\n]*)\}?')
_NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_]*')


def expand(text: str, environ: Mapping[str, str]) -> tuple[str, list[str]]:
    """Return `text` with its references replaced, and what is wrong with them."""
    problems: list[str] = []

    def replace(match: re.Match[str]) -> str:
        name = match['name']
        if name is None:
            return '${'
        if not match[0].endswith('}') or not _NAME.fullmatch(name):
            problems.append('`${` must begin a reference ${NAME}; write `$${` for a plain `${`')
        elif name not in environ:
            problems.append(f'environment variable {name} is not set')
        else:
            return environ[name]
        return ''

    return _REFERENCE.sub(replace, text), problems


def escape(text: str) -> str:
    """Return a text that `expand` turns into `text`."""
    return text.replace('${', '$${')
