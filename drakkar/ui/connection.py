"""Reads requests within limits of size and time, so that nobody can hold the server's places."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import Any

import gevent
from gevent.pywsgi import Input
from geventwebsocket.handler import WebSocketHandler

HEAD_SECONDS = 15.0
IDLE_SECONDS = 60.0
MAX_HEAD_BYTES = 32 * 1024
# What is still read of a body that nobody wants, so that the client gets to see the answer.
_REST_BYTES = 256 * 1024
_REST_SECONDS = 1.0


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
        if self.chunked_input or self.position < (self.content_length or 0):
            self.leave()


class BoundedHandler(WebSocketHandler):
    """pywsgi's handler with limits, for a server that keeps a set `idle` of waiting sockets.

    It is a WebSocketHandler only for the handshake that this knows.
    """

    wsgi_input: Any

    def read_requestline(self) -> Any:
        """Wait for the next request; a server that stops need not wait for one that waits."""
        self.server.idle.add(self.socket)
        try:
            with gevent.Timeout(IDLE_SECONDS, TimeoutError('nothing was asked')):
                return super().read_requestline()
        finally:
            self.server.idle.discard(self.socket)

    def read_request(self, raw_requestline: Any) -> Any:
        """Read the rest of its head, which a slow client may not make last for ever."""
        with gevent.Timeout(HEAD_SECONDS, ValueError('the head of the request took too long')):
            return super().read_request(raw_requestline)

    def MessageClass(self, *args: Any) -> Any:  # noqa: N802 - the name is pywsgi's
        return super().MessageClass(_Head(args[0]), *args[1:])

    def get_environ(self) -> Any:
        environ = super().get_environ()
        given = self.wsgi_input
        body = _Body(given.rfile, given.content_length, given.socket, given.chunked_input)
        body.leave = self._leave_rest
        if environ['wsgi.input'] is given:
            environ['wsgi.input'] = body
        self.wsgi_input = body
        return environ

    def _leave_rest(self) -> None:
        """Close the connection rather than read the rest of a body, once the answer is sent."""
        self.close_connection = True
        with gevent.Timeout(_REST_SECONDS, False), contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)
            left = _REST_BYTES
            while left > 0 and (chunk := self.socket.recv(left)):
                left -= len(chunk)
