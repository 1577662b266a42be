"""What can happen to the file of a cache."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from drakkar.cache.naming import SUFFIX
from tests.cache.world import World


def path_of(caches: World, worker: str) -> Path:
    return caches.folder / f'{worker}{SUFFIX}'


def edit(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def garbage(path: Path) -> None:
    path.write_bytes(os.urandom(20_000))


def scrambled(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    path.write_bytes(data)


def other_format(path: Path) -> None:
    edit(path, 'PRAGMA user_version = 99')


def other_database(path: Path) -> None:
    path.unlink()
    edit(path, 'CREATE TABLE t (a)')
