"""The base directory, and which file below it a payload's path means and may mean."""

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


def why_unusable(base: str) -> str:
    """Return why no files can be made below `base`, a real path; nothing where they can.

    Where it does not exist yet, the nearest folder above it that does decides.
    """
    place = base
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    if not os.path.isdir(place):
        return f'{place} is a file, expected a folder'
    if not os.access(place, os.W_OK | os.X_OK):
        return f'this user can not write into {place}'
    return ''
