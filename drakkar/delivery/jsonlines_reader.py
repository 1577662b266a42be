"""Reads the dead letter queue of JSON-lines files, while workers append to it."""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from drakkar.contracts.source import DeadLetterReader, StoredLetter, StreamEnd
from drakkar.errors import ConnectError, SourceError
from drakkar.greenlets import offload

_CHUNK_BYTES = 1 << 20
# So much of a file tells it from another of the same name: an envelope begins with its time,
# in microseconds.
_FINGERPRINT_BYTES = 128


class JsonLinesReader(DeadLetterReader):
    """The letters of all `*.jsonl` files in the directory `path`; each file is a stream.

    A last line without an end counts as a line: what it holds shows whether it is
    whole, torn by a crash, or just being written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)

    def connect(self) -> None:
        if not self._path.is_dir():
            what = 'is no folder' if self._path.exists() else 'does not exist'
            raise ConnectError(
                f'dead letters: {self._path} {what}; [dlq] path must name the folder that the'
                ' workers write to'
            )

    def ends(self) -> Mapping[str, StreamEnd]:
        try:
            files = [path for path in self._path.glob('*.jsonl') if path.is_file()]
        except OSError as error:
            raise _explained(error, self._path) from error
        return {name: self._end(name) for name in sorted(path.name for path in files)}

    def read(self, ends: Mapping[str, StreamEnd]) -> Iterator[StoredLetter]:
        for name, end in ends.items():
            for number, line in enumerate(self._lines(name), 1):
                if number >= end.number:
                    break
                yield StoredLetter(name, number, line)

    def fetch(self, stream: str, number: int) -> StoredLetter | None:
        if stream != os.path.basename(stream) or not (self._path / stream).is_file():
            return None
        for at, line in enumerate(self._lines(stream), 1):
            if at == number:
                return StoredLetter(stream, number, line)
        return None

    def close(self) -> None:
        """There is nothing to release: files are open only while they are read."""

    def _end(self, name: str) -> StreamEnd:
        lines, last, generation = 0, b'\n', ''
        with self._open(name) as file:
            while chunk := self._read(file):
                if not generation:
                    generation = f'{zlib.crc32(chunk[:_FINGERPRINT_BYTES]):08x}'
                lines += chunk.count(b'\n')
                last = chunk[-1:]
        return StreamEnd(lines + (1 if last == b'\n' else 2), generation)

    def _lines(self, name: str) -> Iterator[bytes]:
        """Yield the lines of a file without their ends."""
        parts: list[bytes] = []  # of a line longer than a chunk: joined once
        with self._open(name) as file:
            while chunk := self._read(file):
                first, *others = chunk.split(b'\n')
                parts.append(first)
                if others:
                    yield b''.join(parts)
                    *whole, rest = others
                    yield from whole
                    parts = [rest]
        if rest := b''.join(parts):
            yield rest

    def _open(self, name: str) -> io.FileIO:
        try:
            return io.FileIO(self._path / name)
        except OSError as error:
            raise _explained(error, self._path / name) from error

    def _read(self, file: io.FileIO) -> bytes:
        try:
            return offload(file.read, _CHUNK_BYTES)
        except OSError as error:
            raise _explained(error, Path(str(file.name))) from error


def _explained(error: OSError, path: Path) -> SourceError:
    return SourceError(f'dead letters: {path}: {error.strerror}')
