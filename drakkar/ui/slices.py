"""Long lists, worked on in slices: a page of thousands of rows must not keep the event loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from drakkar import jsonio
from drakkar.bounded import take_turns

T = TypeVar('T')
R = TypeVar('R')

SLICE_SECONDS = 0.002
# Sent at once: a slow client has its time for each of them, not for all together.
PIECE_BYTES = 128 * 1024


def each(fn: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Return `fn(item)` of all items, with turns for others in between. `fn` must not wait."""
    made = []
    since = time.monotonic()
    for item in items:
        made.append(fn(item))
        if time.monotonic() - since > SLICE_SECONDS:
            take_turns()
            since = time.monotonic()
    return made


def json_bytes(data: Any) -> list[bytes]:
    """Return data as JSON in pieces; the rows of its lists are written one by one."""
    if not isinstance(data, dict) or not any(isinstance(v, list) for v in data.values()):
        return [jsonio.dumps_bytes(data)]
    pieces: list[bytes] = []
    for name, value in data.items():
        pieces.append((b',' if pieces else b'{') + jsonio.dumps_bytes(str(name)) + b':')
        if isinstance(value, list):
            rows = each(jsonio.dumps_bytes, list(value))
            pieces += [b'[', *_separated(rows), b']']
        else:
            pieces.append(jsonio.dumps_bytes(value))
    return [*pieces, b'}']


def text_bytes(text: str) -> list[bytes]:
    """Return a text in pieces of UTF-8; what can not be written becomes `?`."""
    starts = range(0, len(text), PIECE_BYTES)
    return each(lambda start: text[start : start + PIECE_BYTES].encode('utf-8', 'replace'), starts)


def grouped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in pieces that are worth a write."""
    found: list[bytes] = []
    size = 0
    for piece in pieces:
        found.append(piece)
        size += len(piece)
        if size >= PIECE_BYTES:
            yield b''.join(found)
            found, size = [], 0
    if found:
        yield b''.join(found)


def _separated(rows: list[bytes]) -> Iterator[bytes]:
    for number, row in enumerate(rows):
        yield b',' + row if number else row
