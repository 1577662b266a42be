"""One open file that lines are appended to. Everything here runs in the sink's native thread."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import stat
from collections.abc import Sequence

FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


class Appender:
    """Appends whole lines, also after a crash or a full disk left half a line behind."""

    def __init__(self, path: str, fsync: bool) -> None:
        self.path = path
        self._fsync = fsync
        self._fd = -1
        self._torn = False
        self._inode = (0, 0)

    def append(self, data: bytes) -> int:
        """Write `data`, lines with their newlines, and return how many bytes are in the file.

        Fewer than `len(data)` when the disk is full. Raises OSError when there is
        nothing in it or nobody knows (a failed fsync).
        """
        self._open()
        written = self._write(data)
        if self._fsync:
            try:
                os.fsync(self._fd)
            except OSError:
                self.close()  # the kernel reports a lost page once: never trust this file again
                raise
        return written

    def _write(self, data: bytes) -> int:
        if self._torn:
            os.write(self._fd, b'\n')
            self._torn = False
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._fd, view) :]
            except OSError:
                if len(view) == len(data):
                    raise
                written = len(data) - len(view)
                self._torn = data[written - 1 : written] != b'\n'
                return written
        return len(data)

    def _open(self) -> None:
        """Open the file, again where it was moved or deleted by somebody else."""
        if self._fd >= 0:
            if self._is_current():
                return
            self.close()
        try:
            fd = os.open(self.path, FLAGS, 0o644)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            fd = os.open(self.path, FLAGS, 0o644)
        self._fd = fd
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            self.close()
            raise OSError(errno.EINVAL, 'not a regular file', self.path)
        self._inode = (status.st_dev, status.st_ino)
        size = status.st_size
        self._torn = size > 0 and os.pread(fd, 1, size - 1) != b'\n'
        if self._fsync and size == 0:
            _sync_directory(os.path.dirname(self.path))

    def _is_current(self) -> bool:
        try:
            status = os.stat(self.path)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._inode

    def rotate(self, limit: int, keep: int) -> None:
        """Set the file aside under the next number where it has reached `limit` bytes.

        A number is given once, so a reader of `<file>.7` finds the same lines there
        tomorrow. Workers that share the file take turns by its lock. Raises OSError.
        """
        if self._fd < 0 or os.fstat(self._fd).st_size < limit:
            return
        fcntl.flock(self._fd, fcntl.LOCK_EX)  # released with the descriptor
        try:
            if self._is_current():
                numbers = self._numbers()
                os.rename(self.path, f'{self.path}.{max(numbers, default=0) + 1}')
                for number in _outdated(numbers, keep):
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(f'{self.path}.{number}')
        finally:
            self.close()

    def _numbers(self) -> list[int]:
        folder, name = os.path.split(self.path)
        pattern = re.compile(re.escape(name) + r'\.([0-9]+)')
        return [int(m[1]) for m in map(pattern.fullmatch, os.listdir(folder)) if m]

    def close(self) -> None:
        """Close the file; the next append opens it again."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def _outdated(numbers: Sequence[int], keep: int) -> list[int]:
    """Return the numbers to delete when one more file was set aside and `keep` may stay."""
    surplus = len(numbers) + 1 - keep if keep else 0
    return sorted(numbers)[: max(0, surplus)]


def _sync_directory(path: str) -> None:
    """Make the name of a new file durable, not only its content."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
