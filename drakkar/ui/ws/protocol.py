"""WebSocket frames (RFC 6455), as far as a server needs them that only sends.

gevent-websocket does the handshake. Its frames are not used: it has no limit for
their size, takes unmasked ones, answers errors with wrong codes, and builds each
frame anew for each client, where one that goes to fifty can be built once.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
CONTINUATION, BINARY = 0x0, 0x2
_KNOWN = frozenset((CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG))
_CONTROL_BYTES = 125

NORMAL, GOING_AWAY, PROTOCOL_ERROR, UNSUPPORTED = 1000, 1001, 1002, 1003
NOT_UTF8, POLICY, TOO_BIG, TRY_AGAIN_LATER = 1007, 1008, 1009, 1013

# A browser sends pongs and a close; nothing of that is longer.
MAX_FRAME_BYTES = 4096


class ProtocolError(Exception):
    """The client broke the rules; `code` is what the connection is closed with."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Frame(NamedTuple):
    """One frame of a client, unmasked."""

    opcode: int
    payload: bytes


def encode(opcode: int, payload: bytes) -> bytes:
    """Return a final, unmasked frame, as servers send them."""
    length = len(payload)
    if length < 126:
        head = struct.pack('!BB', 0x80 | opcode, length)
    elif length < 65536:
        head = struct.pack('!BBH', 0x80 | opcode, 126, length)
    else:
        head = struct.pack('!BBQ', 0x80 | opcode, 127, length)
    return head + payload


def close_frame(code: int, reason: str = '') -> bytes:
    """Return a close frame; the reason is cut to what fits."""
    text = reason.encode()[: _CONTROL_BYTES - 2].decode('utf-8', 'ignore').encode()
    return encode(CLOSE, struct.pack('!H', code) + text)


def read_frame(read: Callable[[int], bytes]) -> Frame | None:
    """Read one frame of a client with `read(n)`; None where the connection ended.

    Raises ProtocolError for what a client may not send.
    """
    head = read(2)
    if len(head) < 2:
        return None
    final, opcode = head[0] & 0x80, head[0] & 0x0F
    masked, length = head[1] & 0x80, head[1] & 0x7F
    if head[0] & 0x70 or opcode not in _KNOWN:
        raise ProtocolError(PROTOCOL_ERROR, 'unknown kind of frame')
    if not masked:
        raise ProtocolError(PROTOCOL_ERROR, 'frames of a client are masked')
    if opcode >= CLOSE and (not final or length > _CONTROL_BYTES):
        raise ProtocolError(PROTOCOL_ERROR, 'control frames are short and whole')
    length = _extended(length, read)
    if length > MAX_FRAME_BYTES:
        raise ProtocolError(TOO_BIG, f'a frame may have {MAX_FRAME_BYTES} bytes')
    mask = read(4)
    payload = read(length) if length else b''
    if len(mask) < 4 or len(payload) < length:
        return None
    return Frame(opcode, _unmasked(payload, mask))


def close_answer(payload: bytes) -> tuple[int, str]:
    """Return code and reason to answer a client's close with.

    Raises ProtocolError where the client's own code is one that may not be sent.
    """
    if not payload:
        return NORMAL, ''
    if len(payload) < 2:
        raise ProtocolError(PROTOCOL_ERROR, 'a close code has two bytes')
    (code,) = struct.unpack('!H', payload[:2])
    if not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
        raise ProtocolError(PROTOCOL_ERROR, f'{code} is no close code')
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        raise ProtocolError(NOT_UTF8, 'the reason is not UTF-8') from None
    return code, ''


def _extended(length: int, read: Callable[[int], bytes]) -> int:
    if length < 126:
        return length
    size, layout = (2, '!H') if length == 126 else (8, '!Q')
    data = read(size)
    if len(data) < size:
        return 0
    (value,) = struct.unpack(layout, data)
    return int(value)


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    if not payload:
        return b''
    size = len(payload)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], 'big')
    return (int.from_bytes(payload, 'big') ^ key).to_bytes(size, 'big')
