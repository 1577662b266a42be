"""Small file systems for tests, to be filled."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = os.geteuid() == 0


@contextmanager
def small_disk(folder: Path, kib: int) -> Iterator[Path]:
    """A file system of its own with so much room."""
    folder.mkdir()
    options = ['-t', 'tmpfs', '-o', f'size={kib}k', 'tmpfs', str(folder)]
    if not ROOT or subprocess.run(['mount', *options], check=False).returncode:
        pytest.skip('only root may mount a small file system')
    try:
        yield folder
    finally:
        subprocess.run(['umount', '-l', str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Take all room of a small disk."""
    path = folder / 'ballast'
    with path.open('wb', buffering=0) as file:
        while has_room(folder):
            with contextlib.suppress(OSError):
                file.write(b'x' * 4096)
    return path


def has_room(folder: Path) -> bool:
    return os.statvfs(folder).f_bfree > 0
