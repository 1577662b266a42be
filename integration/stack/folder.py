"""The stack's folder: socket, logs, the workers' files, and a link to the servers' data."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

_DATA_PREFIX = 'drakkar-stack-'


class StateError(Exception):
    """The stack's folder can not be made."""


def make_anew(state: Path) -> Path:
    """Make the folder, without what an earlier stack left; return that of the servers' data.

    The data is elsewhere, where every user may go: PostgreSQL runs as one of its own. Raises
    StateError.
    """
    try:
        if state.exists() and any(state.iterdir()) and not (state / 'logs').is_dir():
            raise StateError(f'{state} is not empty and no folder of a stack; it would be removed')
        remove_data(state)
        shutil.rmtree(state, ignore_errors=True)
        for name in ('shared', 'output', 'logs'):
            (state / name).mkdir(parents=True)
        data = Path(tempfile.mkdtemp(prefix=_DATA_PREFIX))
        data.chmod(0o711)
        (state / 'data').symlink_to(data)
    except OSError as error:
        raise StateError(f'{state} can not be made: {error.strerror or error}') from error
    return data


def remove_data(state: Path) -> None:
    """Remove the servers' data, also of a stack that was killed."""
    link = state / 'data'
    if link.is_symlink():
        data = link.readlink()
        if data.name.startswith(_DATA_PREFIX):
            shutil.rmtree(data, ignore_errors=True)
        link.unlink()
