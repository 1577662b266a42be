"""Searches that were run before, as the cache has them."""

from __future__ import annotations

import json

import drakkar.api as dk

# Output beyond it is not kept: the cache bounds how many entries it has, not how large they are.
MAX_CHARACTERS = 1 << 18
_PREFIX = 'ripgrep'


def find(cache: dk.Cache, pattern: str, path: str, repeat: int) -> dk.PrecomputedResult | None:
    """Return what the search printed when it was run last, if that is known."""
    stdout = cache.get(_key(pattern, path, repeat))
    return dk.PrecomputedResult(stdout=stdout) if isinstance(stdout, str) else None


def keep(cache: dk.Cache, result: dk.ExecutorResult, seconds: float) -> None:
    """Remember what a search printed; workers of the same cluster search the same files."""
    if result.pid is None or result.stdout_truncated or len(result.stdout) > MAX_CHARACTERS:
        return
    search = result.task.metadata
    key = _key(search['pattern'], search['path'], search['repeat'])
    cache.set(key, result.stdout, ttl=seconds, scope=dk.CLUSTER)


def _key(pattern: str, path: str, repeat: int) -> str:
    return f'{_PREFIX} {json.dumps([pattern, path, repeat])}'
