"""Gives a file away piece by piece, read in native threads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

from drakkar.readonly import in_thread
from drakkar.ui.errors import HttpError
from drakkar.ui.routes import File
from drakkar.ui.wire import Headers

_CHUNK_BYTES = 256 * 1024


class Download:
    """The body of an answer. Its server closes it, also where nothing of it was wanted."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._left = size

    def __iter__(self) -> Iterator[bytes]:
        """Yield exactly the promised bytes of a file that may grow meanwhile."""
        while self._left > 0:
            chunk = in_thread(self._stream.read, min(_CHUNK_BYTES, self._left))
            if not chunk:
                return
            self._left -= len(chunk)
            yield chunk

    def close(self) -> None:
        self._stream.close()


def download(file: File) -> tuple[Headers, Download]:
    """Open a file. Raises HttpError(404) where it is gone, or is a link by now."""
    try:
        stream, size = in_thread(_open, file)
    except OSError:
        raise HttpError(404, 'the file is gone') from None
    name = ''.join(c if c.isascii() and (c.isalnum() or c in '._-') else '_' for c in file.name)
    headers = [
        ('Content-Type', file.content_type),
        ('Content-Length', str(size)),
        ('Content-Disposition', f'attachment; filename="{name}"'),
    ]
    return headers, Download(stream, size)


def _open(file: File) -> tuple[BinaryIO, int]:
    # The path was judged before; it must not have become a link to somewhere else since.
    try:
        stream = os.fdopen(os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), 'rb')
    finally:
        if file.temporary:
            file.path.unlink(missing_ok=True)
    try:
        return stream, os.fstat(stream.fileno()).st_size
    except BaseException:
        stream.close()
        raise
