"""Which file below the base directory a payload's path means, and which it may not."""

from __future__ import annotations

import os

import drakkar.api as dk


def safe_path(base: str, path: str) -> str:
    """Return the real path of `path` below `base`, which is a real path itself.

    Symbolic links are followed, and only allowed where they stay inside. Raises
    RefusedError for a path that leaves `base`, is absolute, names a directory or
    can not be a file name.
    """
    if not path or '\0' in path or path.endswith('/'):
        raise dk.RefusedError(f'{path!r} is not the path of a file')
    if os.path.isabs(path) or '..' in path.split('/'):
        raise dk.RefusedError(f'{path!r} leaves base_path: it must be relative and without ".."')
    try:
        real = os.path.realpath(os.path.join(base, path))
    except ValueError as error:
        raise dk.RefusedError(f'{path!r} is not the path of a file: {error}') from error
    if not real.startswith(base.rstrip('/') + '/'):
        raise dk.RefusedError(f'{path!r} leaves base_path through a symbolic link')
    return real
