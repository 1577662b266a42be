"""Keeps secrets out of logs, files and pages: pure functions over names, texts and data."""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Mapping
from typing import Any

MASK = '***'

# The names that a worker keeps from the programs it runs; case does not matter.
SECRET_PATTERNS = (
    'DK_*',
    '*PASSWORD*',
    '*PASSWD*',
    '*SECRET*',
    '*TOKEN*',
    '*_KEY',
    '*_DSN',
    '*CREDENTIAL*',
)

_secret_name = re.compile('|'.join(fnmatch.translate(p) for p in SECRET_PATTERNS), re.IGNORECASE)
# One of these is in each name that matches: with case folded, and `-` as `_`.
_HINTS = tuple(pattern.strip('*').lower() for pattern in SECRET_PATTERNS)
# A password may hold any character, `/` and `@` too, though it should not; what is only
# a port is none. Both patterns take time in proportion to the text: neither begins with
# something that repeats, and what they look ahead is bounded.
_userinfo = re.compile(r"""://[^\s/?#@:"<>]{0,256}:(?!\d{1,5}(?:[/?#,;)\]}']|$))[^\s"<>]{0,256}@""")
_assignment = re.compile(
    r"""(?<![\w-])(-*[A-Za-z_][\w-]*)=("[^"\n]*"|'[^'\n]*'|[^\s&;,'"]+)""", re.ASCII
)


@functools.lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Return whether a variable, option or key of this name looks like it holds a secret."""
    return _secret_name.match(name.strip('-').replace('-', '_')) is not None


def text(value: str) -> str:
    """Return `value` without `user:pass@` in URLs and with secret-looking `NAME=VALUE` masked."""
    if '://' in value:
        value = _userinfo.sub('://', value)
    if '=' in value and _has_hint(value):
        value = '\n'.join([_mask_line(line) for line in value.split('\n')])
    return value


def variables(values: Mapping[str, str]) -> dict[str, str]:
    """Return environment variables or flat options with secrets masked, ready to be shown."""
    return {name: MASK if is_secret_name(name) else text(v) for name, v in values.items()}


def data(value: Any) -> Any:
    """Return plain data (mappings, lists, texts) with secrets masked, at any depth.

    A mapping's value is masked as a whole where its key looks secret and it is
    set; tuples become lists, other values are returned as they are.
    """
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Mapping):
        return {k: _field(k, v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [data(v) for v in value]
    return value


def _field(name: Any, value: Any) -> Any:
    if isinstance(name, str) and value not in (None, '') and is_secret_name(name):
        return MASK
    return data(value)


def _has_hint(value: str) -> bool:
    """Return whether a name in `value` may look like a secret; much quicker than to find it."""
    folded = value.lower().replace('-', '_')
    return any(hint in folded for hint in _HINTS)


def _mask_line(line: str) -> str:
    # No assignment goes over the end of a line.
    if '=' in line and _has_hint(line):
        return _assignment.sub(_mask_assignment, line)
    return line


def _mask_assignment(found: re.Match[str]) -> str:
    name = found[1]
    return f'{name}={MASK}' if is_secret_name(name) else found[0]
