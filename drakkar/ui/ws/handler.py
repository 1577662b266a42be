"""Serves one connection: plain HTTP, or the upgrade to a WebSocket at `/ws`."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

import gevent
from geventwebsocket.handler import WebSocketHandler

from drakkar.ui.errors import HttpError, status_line
from drakkar.ui.request import Request
from drakkar.ui.wire import json_answer, with_safe_headers
from drakkar.ui.ws.client import WRITE_SECONDS, Client, listen

PATH = '/ws'
HEAD_SECONDS = 15.0
IDLE_SECONDS = 60.0
MAX_HEAD_BYTES = 32 * 1024
# So that a browser that reads nothing holds little of the kernel's memory.
_SEND_BUFFER_BYTES = 64 * 1024
_CLOSE_SECONDS = 2.0


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


class ConnectionHandler(WebSocketHandler):
    """One connection of the UI's server, which has `guard` and `hub`."""

    def read_requestline(self) -> Any:
        """Wait for the next request; from its first byte on, its head has a deadline."""
        with gevent.Timeout(IDLE_SECONDS, TimeoutError('nothing was asked')):
            return super().read_requestline()

    def read_request(self, raw_requestline: Any) -> Any:
        with gevent.Timeout(HEAD_SECONDS, ValueError('the head of the request took too long')):
            return super().read_request(raw_requestline)

    def MessageClass(self, *args: Any) -> Any:  # noqa: N802 - the name is pywsgi's
        return super().MessageClass(_Head(args[0]), *args[1:])

    def run_application(self) -> None:
        """Answer a request; a WebSocket is checked before it is accepted."""
        if self.environ.get('PATH_INFO') != PATH:
            super(WebSocketHandler, self).run_application()
            return
        try:
            topics = self._check()
        except HttpError as error:
            self._refuse(error)
            return
        refused = self.upgrade_websocket()
        if refused is not None:
            self._refuse(HttpError(400, 'the handshake of the WebSocket is malformed'))
            return
        self.write(b'')
        self._serve(topics)

    def _check(self) -> list[str]:
        """Return the topics that are asked for. Raises HttpError for who may not come in."""
        environ = self.environ
        self.server.guard.check_socket(environ)
        if environ['REQUEST_METHOD'] != 'GET':
            raise HttpError(405, 'use GET')
        upgrades = environ.get('HTTP_UPGRADE', '').lower() == 'websocket'
        if not upgrades or 'upgrade' not in environ.get('HTTP_CONNECTION', '').lower():
            raise HttpError(426, 'this is a WebSocket')
        if environ.get('HTTP_SEC_WEBSOCKET_VERSION') != '13':
            raise HttpError(426, 'use version 13 of the protocol')
        if self.request_version != 'HTTP/1.1':
            raise HttpError(400, 'use HTTP/1.1')
        hub = self.server.hub
        topics = list(dict.fromkeys(Request(environ).many('topics')))
        unknown = [topic for topic in topics if topic not in hub.topics]
        if unknown or not topics:
            raise HttpError(400, f'topics may be {", ".join(hub.topics)}')
        if hub.full:
            raise HttpError(503, 'too many pages are open')
        return topics

    def _refuse(self, error: HttpError) -> None:
        headers, body = json_answer(error)
        if error.status == 426:
            headers = [*headers, ('Upgrade', 'websocket'), ('Sec-WebSocket-Version', '13')]
        self.environ.pop('wsgi.websocket', None)
        self.status = None
        self.close_connection = True
        self.start_response(status_line(error.status), with_safe_headers(headers))
        self.result = [body]
        self.process_result()

    def _serve(self, topics: list[str]) -> None:
        """Talk to a browser until either side leaves. This greenlet listens, another one writes."""
        connection = self.socket
        connection.settimeout(None)  # silence is fine: pings find out who is gone
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        hub = self.server.hub
        client = Client(topics, connection.sendall, hub.resync)
        hub.join(client)
        writer = self.server.greenlets.spawn('ui-socket', self._write_frames, client)
        try:
            listen(client, self.rfile.read)
            writer.join(_CLOSE_SECONDS)
        finally:
            hub.leave(client)
            writer.kill(timeout=WRITE_SECONDS)

    def _write_frames(self, client: Client) -> None:
        with contextlib.suppress(OSError):  # TimeoutError too: who is not there needs no message
            client.write()
        # Wakes the listener, which may wait for a browser that will never speak again.
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
