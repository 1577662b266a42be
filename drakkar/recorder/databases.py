"""The recorder files of a folder: which there are, what is in them, and copies to take away."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from drakkar.errors import DrakkarError
from drakkar.peers import LIVE_SUFFIX, Peers
from drakkar.readonly import UnreadableError, in_thread, is_closed, reading
from drakkar.recorder import queries
from drakkar.recorder.copies import Copier, TooLargeError

MERGED_PREFIX = 'merged-'
_SUFFIX = '.db'
# What one list looks at; retention keeps folders far smaller.
MAX_FILES = 2000


class NoSuchDatabaseError(DrakkarError):
    """The folder has no recorder file of this name, or it leads out of the folder."""


@dataclass(frozen=True, slots=True)
class RecorderFile:
    """One file: times are in seconds since the epoch, `size` in bytes with its log.

    `problem` says why it can not be read; then nothing is known of its content.
    """

    name: str
    path: Path
    size: int
    modified: float
    worker: str = ''
    cluster: str = ''
    start: float | None = None
    end: float | None = None
    events: int = 0
    live: bool = False
    merged: bool = False
    problem: str = ''


class Export(NamedTuple):
    """A file to take away; a temporary one belongs to who asked for it."""

    path: Path
    temporary: bool


class Databases:
    """The recorder files in `db_dir`; without a folder there are none.

    What is in a file is read again only when the file or its log has changed.
    """

    def __init__(self, db_dir: str | os.PathLike[str]) -> None:
        self.folder = Path(db_dir) if str(db_dir) else None
        self._peers = Peers(db_dir)
        self._copier = Copier()
        self._known: dict[str, tuple[tuple[float, int], RecorderFile]] = {}

    def find(self) -> list[RecorderFile]:
        """Return the files, the newest first. Waits for the disk in a native thread."""
        return in_thread(self.look)

    def look(self) -> list[RecorderFile]:
        """Do what `find` does, in this thread."""
        if self.folder is None:
            return []
        live = {peer.path for peer in self._peers.look().peers if peer.live}
        known, files = {}, []
        for path in _candidates(self.folder):
            try:
                stamp = _stamp(path)
            except OSError:
                continue  # retention has just taken it away
            before = self._known.get(path.name)
            file = before[1] if before and before[0] == stamp else _described(path, *stamp)
            known[path.name] = stamp, file
            files.append(replace(file, live=path.resolve() in live))
        self._known = known
        return sorted(files, key=_age, reverse=True)

    def path(self, name: str) -> Path:
        """Return the file of that name; waits for the disk. Raises NoSuchDatabaseError."""
        return in_thread(self._path, name)

    def _path(self, name: str) -> Path:
        if self.folder is None or not is_plain_name(name):
            raise NoSuchDatabaseError(f'there is no recorder file {name!r}')
        folder = self.folder.resolve()
        path = Path(os.path.realpath(folder / name))
        try:
            inside = path.parent == folder and is_plain_name(path.name) and path.is_file()
        except OSError:  # a name that no file can have
            inside = False
        if not inside:
            raise NoSuchDatabaseError(f'there is no recorder file {name!r}')
        return path

    def export(self, name: str, max_bytes: int) -> Export:
        """Return a file with all that `name` holds now.

        A file that nobody writes is given as it is; of another one a copy is made.
        Raises NoSuchDatabaseError, TooLargeError, CopyingError, UnreadableError.
        """
        path, size, closed = in_thread(self._examined, name)
        if size > max_bytes:
            raise TooLargeError(f'{name} has {size:,} bytes, more than the {max_bytes:,} allowed')
        if closed:
            return Export(path, temporary=False)
        return Export(self._copier.copy(path, size), temporary=True)

    def _examined(self, name: str) -> tuple[Path, int, bool]:
        path = self._path(name)
        try:
            size = _stamp(path)[1]
        except OSError:  # retention has just taken it away
            raise NoSuchDatabaseError(f'there is no recorder file {name!r}') from None
        return path, size, is_closed(path)


def _age(file: RecorderFile) -> tuple[float, str]:
    return file.start or file.modified, file.name


def is_plain_name(name: str) -> bool:
    """Return whether `name` can be that of a recorder file: no path, nothing hidden."""
    return (
        name.endswith(_SUFFIX)
        and not name.startswith('.')
        and not {'/', '\\'} & set(name)
        and name.isprintable()
    )


def _candidates(folder: Path) -> list[Path]:
    """Return the files that may be recorder files, but not the links to live ones."""
    try:
        with os.scandir(folder) as entries:
            found = [
                Path(entry.path)
                for entry in entries
                if is_plain_name(entry.name)
                and not entry.name.endswith(LIVE_SUFFIX)
                and entry.is_file(follow_symlinks=False)
            ]
    except OSError:
        return []
    return sorted(found, key=lambda path: path.name)[-MAX_FILES:]


def _stamp(path: Path) -> tuple[float, int]:
    """Return when a database was last written to, and its size, both with its log."""
    status = path.stat()
    try:
        log = path.with_name(f'{path.name}-wal').stat()
    except OSError:
        return status.st_mtime, status.st_size
    return max(status.st_mtime, log.st_mtime), status.st_size + log.st_size


def _described(path: Path, modified: float, size: int) -> RecorderFile:
    file = RecorderFile(path.name, path, size, modified, merged=path.name.startswith(MERGED_PREFIX))
    try:
        with reading(path) as connection:
            names = queries.workers(connection)
            said = queries.worker_config(connection, names[0] if len(names) == 1 else None)
            between = queries.time_range(connection)
    except UnreadableError as error:
        return replace(file, problem=str(error))
    return replace(
        file,
        worker=', '.join(names),
        cluster=str(said.get('cluster_name') or ''),
        start=between['from'],
        end=between['to'],
        events=between['events'],
    )
