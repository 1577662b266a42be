"""A dead letter queue of JSON-lines files, for sources that bring none of their own."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from gevent.threadpool import ThreadPool

from drakkar.contracts.source import DeadLetterQueue
from drakkar.envelope import encode
from drakkar.errors import DeadLetterError
from drakkar.models.delivery import DeadLetter

MAX_NAME = 100


class JsonLines(DeadLetterQueue):
    """Appends envelopes to `<topic>_dlq-<worker>.jsonl` in the directory `path`.

    A send returns when all is on the disk (fsync, in a native thread). A crash
    leaves at most one torn last line per file; the next send starts on a line of
    its own. Workers share the directory, never a file.
    """

    def __init__(self, path: str | os.PathLike[str], worker: str) -> None:
        self._path = Path(path)
        self._worker = worker
        # One thread: a send that was given up at its timeout must end before the next.
        self._threads: ThreadPool | None = None

    def connect(self) -> None:
        """See that the directory can be written; it is made with the first letter.

        So a worker that can not start for another reason leaves nothing behind.
        """
        problem = _why_unusable(self._path)
        if problem:
            raise DeadLetterError(f'path = {self._path}: {problem}')
        if self._threads is None:
            self._threads = ThreadPool(1)

    def send(self, letters: Sequence[DeadLetter]) -> None:
        if self._threads is None:
            raise DeadLetterError(f'{self._path}: not connected')
        chunks: dict[Path, list[bytes]] = {}
        for letter in letters:
            lines = chunks.setdefault(self.file_for(letter.message.topic), [])
            lines.append(encode(letter) + b'\n')
        error = self._threads.apply(_append_all, (self._path, chunks))
        if error is not None:
            raise DeadLetterError(f'{error.filename or self._path}: {error.strerror}') from error

    def close(self) -> None:
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.kill()

    def file_for(self, topic: str) -> Path:
        """Return the file that letters of `topic` go to."""
        return self._path / f'{_file_name(topic)}_dlq-{_file_name(self._worker)}.jsonl'


def _file_name(name: str) -> str:
    """Return `name` as part of a file name; different names stay different."""
    safe = re.sub(r'[^A-Za-z0-9._-]', '_', name)[:MAX_NAME].lstrip('.') or '_'
    return safe if safe == name else f'{safe}-{zlib.crc32(name.encode("utf-8", "replace")):08x}'


def _why_unusable(path: Path) -> str:
    """Return why no files can be made in `path`; where it is not there yet, one above decides."""
    place = Path(os.path.realpath(path))
    while not os.path.lexists(place):
        place = place.parent
    if not place.is_dir():
        return f'{place} is a file, expected a directory'
    if not os.access(place, os.W_OK | os.X_OK):
        return f'this user can not write into {place}'
    return ''


def _append_all(folder: Path, chunks: Mapping[Path, Sequence[bytes]]) -> OSError | None:
    """Append durably in a native thread; gevent would print what is raised there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, lines in chunks.items():
            _append(path, lines)
    except OSError as error:
        return error
    return None


def _append(path: Path, lines: Sequence[bytes]) -> None:
    fresh = not path.exists()
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        size = os.fstat(fd).st_size
        torn = size > 0 and os.pread(fd, 1, size - 1) != b'\n'
        _write(fd, b''.join([b'\n' if torn else b'', *lines]))
        os.fsync(fd)
    finally:
        os.close(fd)
    if fresh:
        _sync_directory(path.parent)


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _sync_directory(path: Path) -> None:
    """Make the name of a new file durable, not only its content."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
