"""What `drakkar produce` reads: lines of a file or of stdin, made into records."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from gevent.os import tp_read

from drakkar import jsonio
from drakkar.contracts.source import ProducerRecord
from drakkar.errors import DrakkarError
from drakkar.greenlets import offload

_CHUNK_BYTES = 1 << 18
_SHOWN_BYTES = 60


class InvalidLineError(DrakkarError):
    """A line that is no message; the text says which line and why."""


@dataclass(frozen=True, slots=True)
class LineFormat:
    """How a line becomes a record: as JSON with the key in `key_field`, or `raw` bytes."""

    raw: bool = False
    key_field: str | None = None
    partition: int | None = None

    def record(self, line: bytes) -> ProducerRecord | None:
        """Return the record of a line without its end, None for a blank one of JSON lines.

        Raises ValueError, whose text says what is wrong with the line.
        """
        if self.raw:
            return ProducerRecord(line, partition=self.partition)
        line = line.strip()
        if not line:
            return None
        try:
            value = jsonio.loads(line)
        except ValueError as error:
            raise ValueError(f'not JSON: {error}: {_shown(line)}') from None
        key = None if self.key_field is None else _key(value, self.key_field, line)
        return ProducerRecord(line, key, partition=self.partition)


def _key(value: Any, field: str, line: bytes) -> bytes:
    if not isinstance(value, dict):
        raise ValueError(f'not a JSON object, so it has no field {field!r}: {_shown(line)}')
    if field not in value:
        raise ValueError(f'no field {field!r} for the key: {_shown(line)}')
    key = value[field]
    return key.encode() if isinstance(key, str) else jsonio.dumps_bytes(key)


def _shown(line: bytes) -> str:
    text = line[:_SHOWN_BYTES].decode('utf-8', 'replace')
    return f'{text}...' if len(line) > _SHOWN_BYTES else text


def chunks(stream: BinaryIO) -> Iterator[list[bytes]]:
    """Yield lines without their ends, as many at a time as there are to read now.

    So a slow pipe is passed on as it comes and a file in large pieces.
    """
    read = _reader(stream)
    rest = b''
    while data := read(_CHUNK_BYTES):
        *lines, rest = (rest + data).split(b'\n')
        if lines:
            yield lines
    if rest:
        yield [rest]


def _reader(stream: BinaryIO) -> Callable[[int], bytes]:
    try:
        descriptor = stream.fileno()
    except (OSError, io.UnsupportedOperation):
        return lambda size: offload(stream.read, size)
    # Not the stream itself: a thread that waits in it would hold its lock, and the interpreter
    # could not end while nothing comes.
    return lambda size: tp_read(descriptor, size)
