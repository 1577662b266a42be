"""Reads HTTP requests within limits of size, time and form, for every server of a worker."""

from __future__ import annotations

import contextlib
import io
import logging
import socket
from collections.abc import Callable, Iterator
from http.client import HTTPException
from typing import Any

import gevent
from gevent.pool import Pool
from gevent.pywsgi import Input, LoggingLogAdapter, WSGIHandler, WSGIServer

CLIENT_SECONDS = 30.0
HEAD_SECONDS = 15.0
IDLE_SECONDS = 60.0
MAX_HEAD_BYTES = 32 * 1024
# What is still read of a body that nobody wants, so that the client gets to see the answer.
_REST_BYTES = 256 * 1024
_REST_SECONDS = 1.0
_HELD_BYTES = 64 * 1024


class Idle:
    """The sockets of connections that wait for a request, the longest waiting first."""

    def __init__(self) -> None:
        self._sockets: dict[Any, None] = {}

    def add(self, waiting: Any) -> None:
        self._sockets[waiting] = None

    def discard(self, waiting: Any) -> None:
        self._sockets.pop(waiting, None)

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._sockets))

    def __len__(self) -> int:
        return len(self._sockets)

    def close(self, most: int | None = None) -> None:
        """End the connections that wait, or so many of them; none of them loses anything."""
        for waiting in list(self)[:most]:
            self.discard(waiting)
            with contextlib.suppress(OSError):
                waiting.shutdown(socket.SHUT_RDWR)


def take_turns() -> None:
    """Let the event loop go round once: `sleep(0)` may return a thousand times before it does."""
    gevent.idle(priority=2)


class _Fair(io.RawIOBase):
    """What a client sends; lets others work before each piece, however much is there already.

    Where nothing has to be waited for, thousands of requests, chunks or frames would
    be taken one after the other without the hub.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        take_turns()
        count: int = self._connection.recv_into(buffer)
        return count


class _Head:
    """A request's head as it is read: only so long."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._left = MAX_HEAD_BYTES

    def readline(self, limit: int = -1) -> bytes:
        line: bytes = self._stream.readline(min(limit, self._left) if limit > 0 else self._left)
        self._left -= len(line)
        if self._left <= 0:
            raise ValueError('the head of the request is too long')
        return line


class _Body(Input):
    """A request's body; what the view did not read is left, where pywsgi would read it all."""

    __slots__ = ('leave',)

    leave: Callable[[], None]

    def _discard(self) -> None:
        if self.chunked_input:
            if self.chunk_length != 0:  # 0: the last chunk was read
                self.leave()
        elif self.position < (self.content_length or 0):
            self.leave()


def length_problem(headers: Any) -> str:
    """Return why the end of this body can not be told for sure; empty where it can.

    Two servers in a row that disagree on it take one client's bytes for another's
    request: RFC 9112, sections 6.1 and 6.3.
    """
    if headers.defects or headers.get_payload():
        return 'a header line is malformed'
    codings = headers.get_all('transfer-encoding', [])
    lengths = headers.get_all('content-length', [])
    if any(name != name.strip() for name in headers):
        return 'a header name ends with a blank'
    if any('\n' in value or '\r' in value for value in headers.values()):
        return 'a header line is folded'
    if codings and [c.strip().lower() for c in codings] != ['chunked']:
        return 'a transfer coding other than chunked'
    if codings and lengths:
        return 'both Content-Length and Transfer-Encoding'
    if len(lengths) > 1:
        return 'several values of Content-Length'
    if lengths and not (lengths[0].strip().isascii() and lengths[0].strip().isdigit()):
        return 'a Content-Length that is no number'
    if lengths and len(lengths[0].strip()) > 18:
        return 'a Content-Length that nobody could send'
    return ''


class BoundedConnection(WSGIHandler):
    """pywsgi's handler with the limits of a `BoundedServer`."""

    server: BoundedServer
    socket: Any
    wsgi_input: Any
    _held: bytearray | None = None

    def __init__(self, connection: Any, address: Any, server: Any) -> None:
        # Head and body are written one after the other: the second would wait for the client's
        # delayed acknowledgement of the first, 40 ms.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(connection, address, server, io.BufferedReader(_Fair(connection)))

    def handle(self) -> None:
        """Answer requests until the connection ends, by the client's going away for one."""
        with contextlib.suppress(OSError):  # while it is told that its request is none
            super().handle()

    def read_requestline(self) -> Any:
        """Wait for the next request; a server that stops need not wait for one that waits."""
        idle = self.server.idle
        idle.add(self.socket)
        if self.server.full() and len(idle) > 1:
            idle.close(1)  # whoever wants something goes before who only might
        try:
            take_turns()  # the request may have come with the last one
            with gevent.Timeout(IDLE_SECONDS, TimeoutError('nothing was asked')):
                return super().read_requestline()
        finally:
            idle.discard(self.socket)

    def read_request(self, raw_requestline: Any) -> Any:
        """Read the rest of its head, which a slow client may not make last for ever."""
        with gevent.Timeout(HEAD_SECONDS, ValueError('the head of the request took too long')):
            return super().read_request(raw_requestline)

    def _check_http_version(self) -> bool:
        return self.request_version in ('HTTP/1.0', 'HTTP/1.1')

    def MessageClass(self, *args: Any) -> Any:  # noqa: N802 - the name is pywsgi's
        try:
            headers = super().MessageClass(_Head(args[0]), *args[1:])
        except HTTPException as error:  # too many of them; pywsgi would print a traceback
            raise ValueError(str(error)) from error
        headers.status = headers.status or length_problem(headers)
        if self.request_version == 'HTTP/1.0' and 'transfer-encoding' in headers:
            headers.status = 'chunks in HTTP/1.0'
        return headers

    def get_environ(self) -> Any:
        environ = super().get_environ()
        given = self.wsgi_input
        body = _Body(given.rfile, given.content_length, given.socket, given.chunked_input)
        body.leave = self._leave_rest
        if environ['wsgi.input'] is given:
            environ['wsgi.input'] = body
        self.wsgi_input = body
        return environ

    def _write_with_headers(self, data: bytes) -> None:
        """Send head and body at once: two sends are two system calls, and two packets."""
        self._held = bytearray()
        try:
            super()._write_with_headers(data)
        finally:
            held, self._held = self._held, None
        if held:
            self._sendall(held)

    def _sendall(self, data: bytes | bytearray) -> None:
        if self._held is None:
            super()._sendall(data)
        elif len(data) <= _HELD_BYTES:
            self._held += data
        else:
            held, self._held = self._held, None
            super()._sendall(held)
            super()._sendall(data)

    def _leave_rest(self) -> None:
        """Close the connection rather than read the rest of a body, once the answer is sent."""
        self.close_connection = True
        with gevent.Timeout(_REST_SECONDS, False), contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)
            left = _REST_BYTES
            while left > 0 and (chunk := self.socket.recv(left)):
                left -= len(chunk)


class BoundedServer(WSGIServer):
    """Serves so many connections at once.

    Args:
        listener: a socket that listens.
        application: a WSGI application.
        connections: how many of them; others wait.
        handler: the class of a connection.
        logger: gets what went wrong, at `level`.
        client_seconds: without a byte from, or to, a client.
    """

    def __init__(
        self,
        listener: Any,
        application: Any,
        connections: int,
        logger: str,
        level: int = logging.WARNING,
        handler: type[BoundedConnection] = BoundedConnection,
        client_seconds: float = CLIENT_SECONDS,
    ) -> None:
        self.idle = Idle()
        self._client_seconds = client_seconds
        super().__init__(
            listener,
            application,
            spawn=Pool(connections),
            log=None,
            error_log=LoggingLogAdapter(logging.getLogger(logger), level),
            handler_class=handler,
        )

    def handle(self, sock: Any, address: Any) -> None:
        """Serve a connection; a client that says nothing does not hold its place for ever."""
        sock.settimeout(self._client_seconds)
        super().handle(sock, address)

    def stop(self, timeout: float | None = None) -> None:
        """Take no more connections, end those that wait for a request, then the others."""
        self.close()
        self.idle.close()
        super().stop(timeout)
