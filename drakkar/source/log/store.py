"""A log file: opened in its directory, with errors that say what would be right."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import structlog

from drakkar.errors import ConfigError, ConnectError, SourceError
from drakkar.source.log.schema import MAX_PARTITIONS, ensure_schema
from drakkar.sqlite import Database, DatabaseError

log = structlog.get_logger('drakkar.source.log')

T = TypeVar('T')

_TOPIC = re.compile(r'[A-Za-z0-9._-]{1,200}')


class LogStore:
    """The file `<path>/<topic>.db`. `partitions` is how many the log has once it is open.

    The number asked for counts only when the log is created: keys would change
    their partition otherwise. A log that has another number keeps it and says so.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        topic: str = 'messages',
        partitions: int = 8,
        *,
        fsync: bool = True,
        busy_seconds: float = 5.0,
        pragmas: Mapping[str, Any] | None = None,
    ) -> None:
        if not _TOPIC.fullmatch(topic):
            raise ConfigError(f'topic {topic!r}: expected letters, digits, ".", "_" and "-" only')
        if not 1 <= partitions <= MAX_PARTITIONS:
            raise ConfigError(f'partitions {partitions}: expected 1 to {MAX_PARTITIONS}')
        self.directory = Path(path)
        self.topic = topic
        self.partitions = partitions
        self._database = Database(
            self.directory / f'{topic}.db', fsync=fsync, busy_seconds=busy_seconds, pragmas=pragmas
        )
        self._inode: int | None = None

    def open(self) -> None:
        """Open the log, creating directory and file. Raises ConnectError, ConfigError."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConnectError(
                f'log directory {self.directory}: {error.strerror}; [log] path must name a'
                ' directory that this user can create and write'
            ) from error
        try:
            self._open()
        except DatabaseError as error:
            self._database.close()
            raise ConnectError(f'log {error}') from error
        except BaseException:
            self._database.close()
            raise

    def _open(self) -> None:
        asked = self.partitions
        self._database.open()
        self.partitions = self._database.run(ensure_schema, self._database, self.topic, asked)
        self._inode = self._database.run(lambda _: os.stat(self._database.path).st_ino)
        if self.partitions != asked:
            log.warning(
                'log_keeps_its_partitions',
                path=str(self._database.path),
                partitions=self.partitions,
                asked=asked,
            )

    def run(self, fn: Callable[..., T], *args: Any) -> T:
        """Run `fn(connection, *args)` in the log's thread. Raises SourceError."""
        try:
            return self._database.run(fn, *args)
        except DatabaseError as error:
            raise SourceError(f'log {error}') from error

    def reopen_if_replaced(self) -> bool:
        """Open the file anew if it was removed or replaced under us; return whether it was.

        An open file outlives its name, so a worker would go on reading a log that
        no producer writes to any more. Raises SourceError.
        """
        if self.run(self._is_current):
            return False
        log.warning('log_file_replaced', path=str(self._database.path))
        self._database.close()
        try:
            self.open()
        except ConnectError as error:
            raise SourceError(str(error)) from error
        return True

    def _is_current(self, connection: sqlite3.Connection) -> bool:
        try:
            return os.stat(self._database.path).st_ino == self._inode
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._database.close()
