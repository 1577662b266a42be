"""The filesystem sink: groups a batch by file and appends it in a native thread."""

from __future__ import annotations

import errno
import os
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, cast

from gevent.threadpool import ThreadPool

import drakkar.api as dk
from drakkar_sink_filesystem.appender import Appender
from drakkar_sink_filesystem.paths import safe_path, why_unusable
from drakkar_sink_filesystem.payload import FilePayload

# What the payload can not help and time may: a full disk, a failing one, too many open files.
TRANSIENT = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EIO,
        errno.EROFS,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.EAGAIN,
        errno.EINTR,
        errno.ESTALE,
        errno.ETIMEDOUT,
        errno.EHOSTDOWN,
        errno.ENOTCONN,
        errno.EBUSY,
    }
)

# The lines of one file: position in the batch and the line with its newline.
Lines = list[tuple[int, bytes]]


class FileSink(dk.Sink):
    """Appends payloads as lines of JSON; a line is never torn or mixed with another.

    Not idempotent: a line that is delivered twice is there twice.
    """

    idempotent = False

    def __init__(self, name: str, options: Any) -> None:
        super().__init__(name, options)
        self._base = ''
        self._files: OrderedDict[str, Appender] = OrderedDict()
        # One thread: a write that was given up at its timeout ends before the next begins.
        self._threads: ThreadPool | None = None

    def connect(self) -> None:
        """See that files can be made below `base_path`. Raises ConfigError where they can not.

        The folder itself is made with the first file: a worker that can not start
        for another reason leaves nothing behind.
        """
        base = os.path.realpath(self.options.base_path)
        problem = why_unusable(base)
        if problem:
            raise dk.ConfigError(f'base_path = {self.options.base_path}: {problem}')
        self._base = base
        if self._threads is None:
            self._threads = ThreadPool(1)

    def deliver(self, payloads: Sequence[dk.Payload]) -> None:
        if self._threads is None:
            raise dk.TransientSinkError('not connected')
        failures: dict[int, BaseException] = {}
        files: dict[str, Lines] = {}
        for index, payload in enumerate(cast(Sequence[FilePayload], payloads)):
            try:
                line = payload.json_bytes() + b'\n'
            except Exception as error:  # a schema's dump may raise anything
                failures[index] = dk.RefusedError(f'no JSON form: {error}')
            else:
                files.setdefault(payload.path, []).append((index, line))
        if files:
            failures.update(self._threads.apply(self._append_all, (files,)))
        if failures and len(payloads) == 1:
            raise failures[0]
        if failures:
            raise dk.PartialDeliveryError(failures)

    def close(self) -> None:
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.apply(self._close_files)
            threads.kill()

    # What follows runs in the native thread: no gevent, no logging, no payload code.

    def _append_all(self, files: dict[str, Lines]) -> dict[int, BaseException]:
        """Append to each file with one write; return the failures by position."""
        failures: dict[int, BaseException] = {}
        for path, lines in files.items():
            try:
                file = self._file(safe_path(self._base, path))
                written = file.append(b''.join([line for _, line in lines]))
                self._note_short_write(lines, written, failures)
            except dk.RefusedError as error:
                failures.update(dict.fromkeys([index for index, _ in lines], error))
            except OSError as error:
                failures.update(dict.fromkeys([index for index, _ in lines], _judged(error, path)))
            else:
                self._rotate(file)
        return failures

    def _note_short_write(
        self, lines: Lines, written: int, failures: dict[int, BaseException]
    ) -> None:
        """Enter the lines that did not fit in whole; those before them are safe."""
        end = 0
        for index, line in lines:
            end += len(line)
            if end > written:
                failures[index] = dk.TransientSinkError('the disk is full')

    def _rotate(self, file: Appender) -> None:
        if self.options.rotate_bytes:
            try:
                file.rotate(self.options.rotate_bytes, self.options.rotate_keep)
            except OSError:
                return  # the lines are safe; the next delivery tries to rotate again

    def _file(self, path: str) -> Appender:
        """Return the appender of a real path, the least recently used one closed for it."""
        file = self._files.get(path)
        if file is None:
            while len(self._files) >= self.options.max_open_files:
                self._files.popitem(last=False)[1].close()
            file = self._files[path] = Appender(path, self.options.fsync)
        else:
            self._files.move_to_end(path)
        return file

    def _close_files(self) -> None:
        while self._files:
            self._files.popitem()[1].close()


def _judged(error: OSError, path: str) -> dk.SinkError:
    text = f'{path}: {error.strerror}'
    return dk.TransientSinkError(text) if error.errno in TRANSIENT else dk.RefusedError(text)
