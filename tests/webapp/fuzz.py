"""Sends bytes that no client should send, from a seed."""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Callable

READY = b'{"request_id": "fuzz", "score": 1}'
_SECONDS = 20.0


class Fuzzer:
    """Makes connections to a local port; each sends something odd and reads what comes back.

    Raises AssertionError where the server neither answers nor closes.
    """

    def __init__(self, port: int, token: str, seed: int) -> None:
        self._port = port
        self._token = token.encode()
        self._random = random.Random(seed)
        self.answers: dict[str, int] = {}

    def run(self, connections: int) -> None:
        kinds: list[Callable[[], bytes]] = [
            self._noise,
            self._bad_length,
            self._bad_chunks,
            self._pipeline,
            self._huge_head,
            self._half,
            self._mutated,
            self._odd_head,
        ]
        for _ in range(connections):
            self._talk(self._random.choice(kinds)())

    def _talk(self, data: bytes) -> None:
        connection = socket.create_connection(('127.0.0.1', self._port), timeout=_SECONDS)
        with connection, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._send(connection, data)
            if self._random.random() < 0.7:  # others go without a word
                self._read(connection)

    def _send(self, connection: socket.socket, data: bytes) -> None:
        for piece in self._pieces(data):
            connection.sendall(piece)
        with contextlib.suppress(OSError):  # the server may have closed it already
            connection.shutdown(socket.SHUT_WR)

    def _read(self, connection: socket.socket) -> None:
        said = b''
        try:
            while piece := connection.recv(65536):
                said += piece
        except TimeoutError:
            raise AssertionError(f'no answer and no end after {said[:200]!r}') from None
        except OSError:
            pass
        code = said[9:12].decode('latin-1')
        self.answers[code] = self.answers.get(code, 0) + 1

    def _pieces(self, data: bytes) -> list[bytes]:
        cut = self._random.randrange(len(data) + 1)
        return [data] if self._random.random() < 0.7 else [data[:cut], data[cut:]]

    def _request(self, *headers: bytes, body: bytes = READY) -> bytes:
        lines = [
            b'POST /process HTTP/1.1',
            b'Host: localhost',
            b'Content-Type: application/json',
            b'Authorization: Bearer ' + self._token,
            *headers,
        ]
        return b'\r\n'.join([*lines, b'', b'']) + body

    def _good(self) -> bytes:
        return self._request(b'Content-Length: %d' % len(READY))

    def _noise(self) -> bytes:
        return self._random.randbytes(self._random.randrange(1, 400))

    def _bad_length(self) -> bytes:
        length = self._random.choice(
            [b'-1', b'0', b'1', b'33', b'35', b'99999999999999999999', b'0x10', b'', b'1 1', b'+34']
        )
        return self._request(b'Content-Length: ' + length) * self._random.randrange(1, 3)

    def _bad_chunks(self) -> bytes:
        chunks = b''
        for _ in range(self._random.randrange(1, 6)):
            size = self._random.choice([b'1', b'a', b'ff', b'FFFFFFFFF', b'-1', b'z', b'', b'0;x'])
            end = self._random.choice([b'\r\n', b'\n', b''])
            chunks += size + end + self._random.randbytes(self._random.randrange(0, 20)) + end
        coding = self._random.choice([b'chunked', b'chunked', b'gzip, chunked', b'x'])
        return self._request(b'Transfer-Encoding: ' + coding, body=chunks)

    def _pipeline(self) -> bytes:
        parts = [self._random.choice([self._good, self._half])() for _ in range(4)]
        return b''.join(parts)

    def _huge_head(self) -> bytes:
        many = self._random.choice([50, 150, 5000])
        size = self._random.choice([1, 100, 70_000])
        return self._request(
            *[b'X-%d: %s' % (n, b'x' * size) for n in range(min(many, 200_000 // size))]
        )

    def _half(self) -> bytes:
        whole = self._good()
        return whole[: self._random.randrange(1, len(whole))]

    def _mutated(self) -> bytes:
        data = bytearray(self._good())
        for _ in range(self._random.randrange(1, 6)):
            data[self._random.randrange(len(data))] = self._random.randrange(256)
        return bytes(data)

    def _odd_head(self) -> bytes:
        return self._random.choice(
            [
                b'\r\n\r\n' + self._good(),
                self._good().replace(b'\r\n', b'\n'),
                self._good().replace(b'HTTP/1.1', b'HTTP/1.0'),
                b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
                b'GET /openapi.json HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n',
                self._good().replace(b'Host', b'Expect: 100-continue\r\nHost'),
                self._good().replace(b'Host: localhost', b' folded\r\n\tline: x'),
                b'CONNECT a:1 HTTP/1.1\r\n\r\n',
            ]
        )
