"""Reads a request's body, up to its limits of size and time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import gevent

from drakkar.webapp.errors import ClientGone, Refusal

_PIECE = 64 * 1024
_LINE = 1024
_TRAILERS = 64
_CHUNK_SIZE = re.compile(rb'[0-9A-Fa-f]{1,12}')


def check_length(declared: str | None, limit: int) -> None:
    """Refuse a body that is said to be too long before any of it is read. Raises Refusal."""
    if declared and int(declared) > limit:
        raise too_long(limit)


def read_body(stream: Any, limit: int, seconds: float) -> bytes:
    """Return all of pywsgi's input, counted as it comes whatever was said of its length.

    Raises Refusal for more than `limit` bytes, for chunks that are none, or where it
    takes longer than `seconds`; ClientGone where the client stops in the middle.
    """
    pieces: list[bytes] = []
    size = 0
    timeout = gevent.Timeout.start_new(seconds)
    try:
        for piece in _chunks(stream) if stream.chunked_input else _plain(stream, limit):
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                raise too_long(limit)
    except gevent.Timeout as error:
        if error is not timeout:
            raise
        raise _too_slow(seconds) from error
    except TimeoutError as error:  # the socket's own
        raise _too_slow(seconds) from error
    except OSError as error:
        raise ClientGone('the body ended too early') from error
    finally:
        timeout.close()
    return b''.join(pieces)


def _plain(stream: Any, limit: int) -> Iterator[bytes]:
    left = limit + 1
    while left > 0 and (piece := stream.read(min(_PIECE, left))):
        left -= len(piece)
        yield piece


def _chunks(stream: Any) -> Iterator[bytes]:
    """Yield the chunks of a body: RFC 9112, section 7.1.

    pywsgi's own reader goes byte by byte, and takes any number of trailers.
    """
    stream._send_100_continue()
    file = stream.rfile
    while size := _chunk_size(file):
        while size:
            piece = file.read(min(size, _PIECE))
            if not piece:
                raise ClientGone('the body ended in a chunk')
            size -= len(piece)
            yield piece
        _expect(file.read(2) == b'\r\n')
    for _ in range(_TRAILERS):
        if _line(file) == b'':
            stream.chunk_length = 0  # tells pywsgi that the next request comes now
            return
    raise _malformed()


def _chunk_size(file: Any) -> int:
    size = _line(file).partition(b';')[0].rstrip(b' \t')
    _expect(_CHUNK_SIZE.fullmatch(size) is not None)
    return int(size, 16)


def _line(file: Any) -> bytes:
    line: bytes = file.readline(_LINE)
    if not line:
        raise ClientGone('the body ended between chunks')
    _expect(line.endswith(b'\r\n'))
    return line[:-2]


def _expect(condition: bool) -> None:
    if not condition:
        raise _malformed()


def _malformed() -> Refusal:
    return Refusal(400, 'bad_request', 'the chunks of the body are malformed')


def _too_slow(seconds: float) -> Refusal:
    return Refusal(408, 'request_timeout', f'the body did not come within {seconds:g} seconds')


def too_long(limit: int) -> Refusal:
    return Refusal(
        413, 'body_too_large', f'the body is longer than {limit} bytes', 'send less at once'
    )
