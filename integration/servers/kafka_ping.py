"""Asks a broker for the brokers of its cluster: one Metadata request (version 1), by hand.

A client of kafka-python keeps trying and leaves its greenlet and sockets behind when it can not
connect; this asks once, and closes.
"""

from __future__ import annotations

import socket
import struct

from integration.servers.server import NotReadyError

_METADATA, _VERSION = 3, 1
_CORRELATION_ID = 1
_NO_CLIENT_ID = -1
_NO_TOPICS = 0


def brokers(address: str, timeout: float = 2) -> dict[int, str]:
    """Return node id → HOST:PORT of the brokers that serve, as the one at `address` knows them.

    Raises OSError, NotReadyError.
    """
    host, _, port = address.partition(':')
    request = struct.pack('>hhihi', _METADATA, _VERSION, _CORRELATION_ID, _NO_CLIENT_ID, _NO_TOPICS)
    with socket.create_connection((host, int(port)), timeout=timeout) as connection:
        connection.sendall(struct.pack('>i', len(request)) + request)
        with connection.makefile('rb') as answer:
            head = answer.read(4)
            size = struct.unpack('>i', head)[0] if len(head) == 4 else -1
            content = answer.read(size) if size > 0 else b''
    if not content or len(content) < size:
        raise NotReadyError(f'{address} closed the connection')
    return _parse(content)


def _parse(content: bytes) -> dict[int, str]:
    correlation_id, count = struct.unpack_from('>ii', content)
    if correlation_id != _CORRELATION_ID:
        raise NotReadyError('no Kafka: it does not answer to the request')
    at = 8
    found = {}
    for _ in range(count):
        node, length = struct.unpack_from('>ih', content, at)
        host = content[at + 6 : at + 6 + length].decode()
        at += 6 + length
        port, rack = struct.unpack_from('>ih', content, at)
        at += 6 + max(rack, 0)
        found[node] = f'{host}:{port}'
    return found
