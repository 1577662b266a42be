"""The environment that programs get: the worker's own without its secrets, and ours."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

# Marks every process of a pool, so that the guardian finds them after the worker's death.
POOL_VARIABLE = 'DRAKKAR_POOL'

Environment = dict[bytes, bytes]


def build_environment(
    inherited: Mapping[str, str], deny: Sequence[str], own: Mapping[str, str], pool_token: str
) -> Environment:
    """Return the environment of all tasks, encoded once for the system call.

    `deny` are fnmatch patterns, compared ignoring case, for names in `inherited`
    that are not passed on. `own` is added after that and is not filtered.
    """
    patterns = [pattern.upper() for pattern in deny]
    passed = {
        name: value
        for name, value in inherited.items()
        if not any(fnmatchcase(name.upper(), pattern) for pattern in patterns)
    }
    return encode({**passed, **own, POOL_VARIABLE: pool_token})


def merge(base: Environment, own: Mapping[str, str]) -> Environment:
    """Return `base` with a task's own variables; the pool's mark stays.

    Raises ValueError for a name that no program could read back.
    """
    mark = POOL_VARIABLE.encode()
    return {**base, **encode(own), mark: base[mark]}


def encode(variables: Mapping[str, str]) -> Environment:
    """Encode names and values as the operating system takes them."""
    for name in variables:
        if not name or '=' in name:
            raise ValueError(f'illegal environment variable name {name!r}')
    return {os.fsencode(name): os.fsencode(value) for name, value in variables.items()}
