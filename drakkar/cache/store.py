"""The file of the cache: what outlives the worker, and what peers read."""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import gevent
import peewee
import structlog

from drakkar.cache import sql
from drakkar.cache.clock import COUNTER_BITS, StampClock
from drakkar.cache.entry import Entry
from drakkar.cache.naming import SUFFIX, NameLock, take_name
from drakkar.cache.settings import CacheSettings
from drakkar.errors import DrakkarError
from drakkar.filenames import safe_name
from drakkar.greenlets import offload
from drakkar.sqlite import Database, DatabaseError, transaction

log = structlog.get_logger('drakkar.cache')

T = TypeVar('T')


class OtherFormatError(DrakkarError):
    """A file was written by a version of Drakkar with another format."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose file it is."""

    worker: str
    cluster: str


class Store:
    """The worker's own file; every statement runs in one native thread.

    A file that is damaged or of another format is moved away: a cache may always be empty.
    Where it was not written to for so long that peers have forgotten deletions which it never heard
    of, it forgets all shared entries and calls `forget()`.
    Raises DatabaseError, from every method but `close`, where the file can not be used.
    """

    def __init__(
        self,
        folder: Path,
        identity: Identity,
        settings: CacheSettings,
        clock: StampClock,
        now: Callable[[], float],
        forget: Callable[[], None],
    ) -> None:
        self._name = safe_name(identity.worker)
        self.path = folder / f'{self._name}{SUFFIX}'
        self._lock: NameLock | None = None
        self._identity = identity
        self._settings = settings
        self._clock = clock
        self._now = now
        self._forget = forget
        self._signed_at = 0.0
        self._lapsed = False
        self._database: Database | None = None
        self._inode: tuple[int, int] | None = None

    @property
    def is_open(self) -> bool:
        return self._database is not None

    def open(self) -> None:
        """Open or make the file; does nothing where it is open."""
        if self._database is not None:
            return
        try:
            offload(self._take_name)
            try:
                self._open()
            except (DatabaseError, OtherFormatError, ValueError, TypeError) as error:
                # The last two are of values that nobody would write.
                if isinstance(error, DatabaseError) and not is_damage(error):
                    raise
                offload(self._move_away, str(error))
                self._open()
        except OSError as error:
            raise DatabaseError(f'{self.path}: {error.strerror}') from error
        finally:
            if self._database is None:
                self._give_name_back()

    def _take_name(self) -> None:
        folder = self.path.parent
        folder.mkdir(parents=True, exist_ok=True)
        name, self._lock = take_name(folder, self._name)
        self.path = folder / f'{name}{SUFFIX}'
        if name != self._name:
            log.warning('cache_name_is_taken', worker=self._identity.worker, path=str(self.path))

    def _give_name_back(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            with suppress(OSError):
                offload(lock.release)

    @property
    def _is_temporary(self) -> bool:
        """Whether nobody will come back to the file once this process has ended."""
        return self._settings.temporary_name or self.path.name != f'{self._name}{SUFFIX}'

    def _open(self) -> None:
        settings = self._settings
        pragmas = {'journal_mode': 'delete'} if settings.network_folder else {}
        database = Database(
            self.path,
            fsync=settings.network_folder,
            busy_seconds=settings.busy_seconds,
            pragmas=pragmas,
        )
        database.open()
        try:
            stamp = database.run(self._prepare)
        except BaseException:
            database.close()
            raise
        self._clock.observe(stamp)
        self._database = database
        self._heed()

    def _drop_what_lapsed(
        self, connection: sqlite3.Connection, now: float, signed_at: float
    ) -> bool:
        lapsed = now - signed_at > self._settings.stale_seconds
        if lapsed:
            sql.drop_shared(connection)
        return lapsed

    def _heed(self) -> None:
        """Let memory too forget what has lapsed in the file."""
        if self._lapsed:
            self._lapsed = False
            log.warning('cache_shared_entries_lapsed', path=str(self.path))
            self._forget()

    def _prepare(self, connection: sqlite3.Connection) -> int:
        """Make a new file complete, or an old one fit to go on; return its latest stamp."""
        with transaction(connection):
            found = sql.file_format(connection)
            if found != sql.FORMAT and not (found == 0 and sql.is_empty(connection)):
                raise OtherFormatError(f'{self.path}: has format {found}, not {sql.FORMAT}')
            sql.create_tables(connection)
            meta = sql.read_meta(connection)
            now = self._now()
            lapsed = self._drop_what_lapsed(connection, now, float(meta.get('alive_at', now)))
            if meta.get('cluster', self._identity.cluster) != self._identity.cluster:
                sql.drop_cluster(connection)  # the worker is of another cluster now
            sql.write_meta(
                connection,
                {
                    'worker': self._identity.worker,
                    'cluster': self._identity.cluster,
                    'generation': meta.get('generation') or uuid.uuid4().hex,
                    # After power loss a file may have lost its last changes, this one too. Their
                    # numbers must not be given again, since peers may have read them.
                    'seq': max(int(meta.get('seq', 0)), int(now * 1000) << COUNTER_BITS),
                    'alive_at': now,
                    'temporary': int(self._is_temporary),
                },
            )
            stamp = sql.last_stamp(connection)
        self._inode = self._identify()
        self._signed_at, self._lapsed = now, lapsed
        return max(int(meta.get('stamp', 0)), stamp)

    def _move_away(self, why: str) -> None:
        aside = self.path.with_name(f'{self.path.name}-damaged')
        log.warning('cache_file_moved_away', path=str(self.path), to=str(aside), reason=why)
        for ending in ('-wal', '-shm', '-journal'):
            self.path.with_name(f'{self.path.name}{ending}').unlink(missing_ok=True)
        os.replace(self.path, aside)

    def close(self) -> None:
        """Close the file. May be called twice."""
        database, self._database = self._database, None
        if database is not None:
            database.close()
        self._give_name_back()

    def run(self, fn: Callable[..., T], *args: Any) -> T:
        """Return `fn(connection, *args)` from the native thread."""
        if self._database is None:
            raise DatabaseError(f'{self.path}: the database is closed')
        try:
            return self._database.run(fn, *args)
        except DatabaseError as error:
            if is_damage(error):
                self.close()  # the next `open` moves it away
            raise

    def find(self, key: str) -> Entry | None:
        """Return the entry of a key, whatever became of it."""
        return self.run(sql.find, key)

    def write(self, entries: Iterable[Entry], cursor: tuple[str, str, int] | None = None) -> int:
        """Write what is newer than what is there, all or nothing; return how many were.

        `cursor` says how far a peer's file was read for it: peer, generation and seq.
        Raises DatabaseError also where the file was moved, deleted or replaced.
        """
        written = self.run(self._write, list(entries), cursor)
        self._heed()
        if written is None:
            self.close()
            raise DatabaseError(f'{self.path}: was moved, deleted or replaced')
        return written

    def _write(
        self,
        connection: sqlite3.Connection,
        entries: list[Entry],
        cursor: tuple[str, str, int] | None,
    ) -> int | None:
        if self._identify() != self._inode:
            return None  # SQLite would go on writing into a file that has no name any more
        with self._signing(connection) as lapsed:
            if lapsed and cursor is not None:
                return 0  # the peer's file is read from its beginning
            written = sql.upsert(connection, entries) if entries else 0
            if cursor is not None:
                sql.move_cursor(connection, *cursor)
        return written

    @contextmanager
    def _signing(self, connection: sqlite3.Connection) -> Iterator[bool]:
        """Begin a transaction, which says that the worker lives; tell whether it long did not."""
        now = self._now()
        with transaction(connection):
            lapsed = self._drop_what_lapsed(connection, now, self._signed_at)
            yield lapsed
            sql.write_meta(connection, {'alive_at': now, 'stamp': self._clock.last})
        self._signed_at = now
        self._lapsed |= lapsed

    def clean(self) -> None:
        """Remove what has expired."""
        while self.run(self._clean):
            gevent.sleep(0)
        self._heed()

    def count(self) -> int:
        """Return how many values there are; takes its time where there are many."""
        return self.run(sql.count)

    def _clean(self, connection: sqlite3.Connection) -> bool:
        with self._signing(connection):
            return sql.clean(connection, self._now(), self._settings.tombstone_seconds)

    def cursor(self, peer: str) -> tuple[str, int]:
        """Return the generation of a peer's file and the last change of it that is known."""
        return self.run(sql.cursor_of, peer)

    def keep_cursors(self, peers: list[str]) -> None:
        """Forget how far the files of others than `peers` were read."""
        self.run(sql.keep_cursors, peers)

    def _identify(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino


def is_damage(error: DatabaseError) -> bool:
    """Return whether SQLite found the file damaged or no database, and did not just fail."""
    # SQLite's wrapper has subclasses for everything else.
    return type(error.__cause__) in (sqlite3.DatabaseError, peewee.DatabaseError)
